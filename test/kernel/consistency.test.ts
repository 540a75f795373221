import { describe, expect, it } from 'vitest';
import { contradictionOf } from '../../src/kernel/consistency.ts';
import { CounterReader, type Counters } from '../../src/kernel/procfs/read-counters.ts';
import { STATE, STATE_SLOTS, type State } from '../../src/tcp/state.ts';

/** Nothing is known. */
const UNKNOWN: Counters = new CounterReader({ procRoot: '/nonexistent' }).read();
const QUIET: Counters = {
  ...UNKNOWN,
  inuse: 10_000,
  inuse6: 5_000,
  timeWait: 3_000,
  currentEstablished: 12_000,
  activeOpens: 9_000,
  passiveOpens: 8_000,
  timeWaitCreated: 4_000,
};
const TABLE = new Map<State, number>([
  [STATE.LISTEN, 100],
  [STATE.SYN_SENT, 900],
  [STATE.SYN_RECEIVED, 50],
  [STATE.ESTABLISHED, 9_000],
  [STATE.CLOSE_WAIT, 3_000],
  [STATE.FIN_WAIT_1, 800],
  [STATE.FIN_WAIT_2, 1_400],
  [STATE.LAST_ACK, 500],
  [STATE.CLOSING, 100],
  [STATE.TIME_WAIT, 2_200],
]);
const LOST = 500;

describe('the counters of the kernel', () => {
  it('agree with a whole table', () => {
    expect(contradictionOf({ before: QUIET, after: QUIET }, table())).toBeUndefined();
  });

  it.each([...TABLE.keys()].filter((state) => (TABLE.get(state) ?? 0) >= LOST && state !== STATE.SYN_RECEIVED))(
    'contradict a table without 500 of its rows in state %i, and one with 500 more',
    (state) => {
      for (const by of [-LOST, LOST]) {
        expect(contradictionOf({ before: QUIET, after: QUIET }, table([state, by]))).toMatch(/^\d+ rows/);
      }
    },
  );

  it('say nothing of SYN_RECEIVED, which may be a socket or not', () => {
    expect(contradictionOf({ before: QUIET, after: QUIET }, table([STATE.SYN_RECEIVED, LOST]))).toBeUndefined();
  });

  it('allow for what was opened and closed meanwhile, and no more', () => {
    const after = { ...QUIET, activeOpens: 9_300, passiveOpens: 8_300 };
    // As many were closed: each may be in the table, or not.
    expect(contradictionOf({ before: QUIET, after }, table([STATE.ESTABLISHED, -LOST]))).toBeUndefined();
    expect(contradictionOf({ before: QUIET, after }, table([STATE.ESTABLISHED, -6 * LOST]))).toBeDefined();
  });

  it.each<keyof Counters>(['inuse', 'inuse6', 'timeWait'])(
    'that are not all known (%s) say less, and nothing wrong',
    (name) => {
      const counters = { ...QUIET, [name]: undefined };
      expect(contradictionOf({ before: counters, after: counters }, table())).toBeUndefined();
      expect(contradictionOf({ before: counters, after: counters }, table([STATE.ESTABLISHED, -LOST]))).toBeDefined();
      expect(contradictionOf({ before: counters, after: counters }, table([STATE.SYN_SENT, -LOST]))).toBeUndefined();
    },
  );

  it('that nobody can read contradict nothing', () => {
    expect(contradictionOf({ before: UNKNOWN, after: UNKNOWN }, table())).toBeUndefined();
  });
});

function table(...changes: readonly (readonly [State, number])[]): Int32Array {
  const states = new Int32Array(STATE_SLOTS);
  for (const [state, count] of TABLE) states[state] = count;
  for (const [state, by] of changes) states[state] = (states[state] as number) + by;
  return states;
}
