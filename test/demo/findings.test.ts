import { describe, expect, it } from 'vitest';
import { findings } from '../../demo/findings.ts';
import { counts, nameSnapshot, snapshotOf, socketSnapshot } from '../support/snapshots.ts';

const START = snapshotOf();
const CONTEXT = { seconds: 12, trouble: undefined };

describe('what was found', () => {
  it('is nothing where nothing happened', () => {
    expect(findings(START, snapshotOf({ names: [nameSnapshot()] }), CONTEXT)).toEqual([]);
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
      sockets: [socketSnapshot({ kernel: undefined })],
    });
    const found = findings(START, last, { seconds: 5, trouble: 'no ss anywhere' });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^The kernel's column is missing \(no ss anywhere\): TIME_WAIT/);
  });

  it('is the trouble that finwait had with itself', () => {
    expect(findings(START, snapshotOf(), { seconds: 5, trouble: 'no end after 5000 ms' })).toEqual([
      'finwait had trouble on the way: no end after 5000 ms.',
    ]);
  });
});
