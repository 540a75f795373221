import type { SocketSnapshot } from 'finwait';
import { describe, expect, it } from 'vitest';
import { findings } from '../../demo/findings.ts';
import { counts, nameSnapshot, snapshotOf, socketSnapshot } from '../support/snapshots.ts';

const START = snapshotOf();
const CONTEXT = { seconds: 12, trouble: undefined };

function closeWait(ageMs: number, given: Partial<SocketSnapshot> = {}): SocketSnapshot {
  return socketSnapshot({
    node: { state: 'close_wait', certainty: 'observed', alternatives: [] },
    nodeStateAgeMs: ageMs,
    kernel: 'close_wait',
    state: 'close_wait',
    ageMs: ageMs + 100,
    request: 'GET /stream',
    ...given,
  });
}

describe('what was found', () => {
  it('is nothing where nothing happened', () => {
    expect(findings(START, snapshotOf({ names: [nameSnapshot()] }), CONTEXT)).toEqual([]);
  });

  it('is a leak by name and request, with its number and its age', () => {
    const sockets = [closeWait(14_200), closeWait(900), closeWait(3_000, { request: 'GET /other', name: 'web' })];
    expect(findings(START, snapshotOf({ sockets }), CONTEXT).slice(0, 2)).toEqual([
      "2 sockets of `api` stand in CLOSE_WAIT, the oldest for 14 s: last request GET /stream; the peer's FIN was read " +
        'and nobody called end().',
      "1 socket of `web` stands in CLOSE_WAIT, the oldest for 3 s: last request GET /other; the peer's FIN was read " +
        'and nobody called end().',
    ]);
  });

  it('is no leak while all are young', () => {
    const found = findings(START, snapshotOf({ sockets: [closeWait(300), closeWait(1_999)] }), CONTEXT);
    expect(found.join('\n')).not.toContain('CLOSE_WAIT');
  });

  it('says that Node has not seen the FIN where only the kernel knows of it', () => {
    const blind = socketSnapshot({ kernel: 'close_wait', state: 'close_wait', blind: true, ageMs: 5_000 });
    expect(findings(START, snapshotOf({ sockets: [blind] }), CONTEXT)[0]).toBe(
      '1 socket of `api` stands in CLOSE_WAIT, the oldest opened 5 s ago: no request is known; nobody reads the ' +
        "socket, so that Node has not seen the peer's FIN.",
    );
  });

  it('says "at least" where the snapshot does not list every socket', () => {
    const found = findings(START, snapshotOf({ sockets: [closeWait(9_000)], socketsOmitted: 3 }), CONTEXT);
    expect(found[0]).toMatch(/^At least 1 socket of `api`/);
  });

  it('is how far TIME_WAIT grew, and on a client what it costs', () => {
    const before = nameSnapshot({ side: 'client', name: 'upstream', kernel: counts({ time_wait: 2 }) });
    const after = { ...before, closed: 850, kernel: counts({ time_wait: 840 }) };
    expect(findings(snapshotOf({ names: [before] }), snapshotOf({ names: [after] }), CONTEXT)).toEqual([
      'TIME_WAIT grew from 2 to 840 on `upstream` (client) in 12 s, with 850 connections closed: it stays 60 s with ' +
        'the end that closes first, here this process; each holds a local port towards that upstream, so keep ' +
        'connections and use them again.',
    ]);
  });

  it('says that TIME_WAIT stands where it no longer grows', () => {
    const names = [nameSnapshot({ kernel: counts({ time_wait: 7 }) })];
    const [sentence] = findings(snapshotOf({ names }), snapshotOf({ names }), CONTEXT);
    expect(sentence).toMatch(/^TIME_WAIT stands at 7 on `api` \(server\).*no ports/);
  });

  it('is how many connections were reset, and by whom', () => {
    const names = [nameSnapshot({ name: 'raw', closed: 90, resetsReceived: 37, resetsSent: 1 })];
    expect(findings(START, snapshotOf({ names }), CONTEXT)).toEqual([
      '37 of the 90 closed connections of `raw` (server) were reset by the peer.',
      '1 of the 90 closed connections of `raw` (server) was reset by this process.',
    ]);
  });

  it('is who half-closed', () => {
    const names = [nameSnapshot({ halfClosesRemote: 4, halfClosesLocal: 1 })];
    expect(findings(START, snapshotOf({ names }), CONTEXT)).toEqual([
      'Half-closes on `api` (server): 4 by the peer, 1 by this process.',
    ]);
  });

  it('is how far the columns agree, on the sockets that can be compared', () => {
    const sockets = [
      socketSnapshot(),
      socketSnapshot({ kernel: 'close_wait', state: 'close_wait' }),
      socketSnapshot({ kernel: 'closing', state: 'closing' }),
      socketSnapshot({ kernel: undefined }),
    ];
    expect(findings(START, snapshotOf({ sockets }), CONTEXT)).toEqual([
      "Node's column against the kernel's, on 3 open sockets: 1 the same, 1 among the alternatives that Node's column " +
        'names, 1 different.',
    ]);
  });

  it("says that the kernel's column is missing and why, and goes on with Node's", () => {
    const last = snapshotOf({
      table: undefined,
      kernel: undefined,
      names: [nameSnapshot({ kernel: undefined })],
      sockets: [closeWait(4_000, { kernel: undefined })],
    });
    const found = findings(START, last, { seconds: 5, trouble: 'no ss anywhere' });
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(/^The kernel's column is missing \(no ss anywhere\): TIME_WAIT/);
    expect(found[1]).toMatch(/^1 socket of `api` stands in CLOSE_WAIT, the oldest for 4 s/);
  });

  it('is the trouble that finwait had with itself', () => {
    expect(findings(START, snapshotOf(), { seconds: 5, trouble: 'no end after 5000 ms' })).toEqual([
      'finwait had trouble on the way: no end after 5000 ms.',
    ]);
  });
});
