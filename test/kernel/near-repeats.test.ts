import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NearRepeats } from '../../src/kernel/near-repeats.ts';
import type { KernelRow } from '../../src/sockets/row.ts';
import { TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { STATE, type State } from '../../src/tcp/state.ts';

describe('a row of ss that comes again', () => {
  it('is told at once, and after a whole hash chain of others', () => {
    const seen = new NearRepeats();
    expect(seen.isRepeat(row(1))).toBe(false);
    expect(seen.isRepeat(row(1))).toBe(true);
    for (let port = 100; port < 110; port++) seen.isRepeat(row(port));
    expect(seen.isRepeat(row(1))).toBe(true);
  });

  it('is none in another state: the socket has moved', () => {
    const seen = new NearRepeats();
    seen.isRepeat(row(1));
    expect(seen.isRepeat(row(1, STATE.TIME_WAIT))).toBe(false);
  });

  it('is none where two listeners share a port', () => {
    const seen = new NearRepeats();
    seen.isRepeat(row(1, STATE.LISTEN, 7));
    expect(seen.isRepeat(row(1, STATE.LISTEN, 8))).toBe(false);
    expect(seen.isRepeat(row(1, STATE.LISTEN, 8))).toBe(true);
  });

  it('does not have its details read for that, unless it listens', () => {
    const seen = new NearRepeats();
    const unread = Object.defineProperty(row(1), 'inode', {
      get: () => {
        throw new Error('read');
      },
    });
    expect(seen.isRepeat(unread)).toBe(false);
    expect(seen.isRepeat(unread)).toBe(true);
  });

  it('is never mistaken: what differs in any word is new, wherever it came before', () => {
    const words = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(9)), { maxLength: 300 });
    fc.assert(
      fc.property(words, (all) => {
        const seen = new NearRepeats();
        const told = new Set<string>();
        for (const [value, state, word] of all) {
          const next = row(0, [STATE.ESTABLISHED, STATE.TIME_WAIT, STATE.CLOSE_WAIT, STATE.SYN_SENT][state]);
          next.tuple[word] = value;
          const key = `${next.state} ${next.tuple}`;
          if (seen.isRepeat(next) && !told.has(key)) return false;
          told.add(key);
        }
        return true;
      }),
    );
  });

  it('leaves a table without repeats as it is, 200,000 rows long', () => {
    const seen = new NearRepeats();
    const next = row(0);
    let repeats = 0;
    for (let index = 0; index < 200_000; index++) {
      next.tuple[TUPLE.localPort] = index & 0xffff;
      next.tuple[TUPLE.peerAddress + 3] = index >>> 16;
      if (seen.isRepeat(next)) repeats++;
    }
    expect(repeats).toBe(0);
  });
});

function row(localPort: number, state: State = STATE.ESTABLISHED, inode = 5): KernelRow {
  const tuple = new Uint32Array(TUPLE_WORDS);
  tuple[TUPLE.localPort] = localPort;
  return {
    state,
    tuple,
    receiveQueue: 0,
    sendQueue: 0,
    inode,
    cookie: 0,
    timer: 'none',
    timerMs: Number.NaN,
    retransmits: 0,
  };
}
