import { describe, expect, it } from 'vitest';
import { ABANDONED, CLOSINGS, type ClosingFacts, closingOf } from '../../src/sockets/closing.ts';
import { closingOfFlags, FLAG } from '../../src/sockets/record.ts';

const FIRST_FINS = ['none', 'local', 'remote', 'unknown'] as const;
const FAILURES = ['none', 'reset', 'timeout', 'kernel', 'program'] as const;
const ALL_FACTS: ClosingFacts[] = FIRST_FINS.flatMap((firstFin) =>
  FAILURES.flatMap((failure) =>
    [false, true].flatMap((aborted) => [false, true].map((unused) => ({ firstFin, failure, aborted, unused }))),
  ),
);

describe('how a connection ended', () => {
  it('is one of the legal pairs, whatever is known of it', () => {
    expect(ALL_FACTS).toHaveLength(80);
    for (const facts of ALL_FACTS) expect(CLOSINGS[closingOf(facts)], JSON.stringify(facts)).toBeDefined();
  });

  it('each pair but abandoned is how some connection ends, and none stands twice', () => {
    const used = new Set(ALL_FACTS.map(closingOf));
    expect([...used, ABANDONED].sort((a, b) => a - b)).toEqual(CLOSINGS.map((_, index) => index));
    expect(new Set(CLOSINGS.map((pair) => pair.join())).size).toBe(CLOSINGS.length);
  });

  it.each<[string, Partial<ClosingFacts>, string]>([
    ['nobody sent a FIN: we closed the descriptor', {}, 'local fin'],
    ['our FIN was first', { firstFin: 'local' }, 'local fin'],
    ['the FIN of the peer was first', { firstFin: 'remote' }, 'remote fin'],
    ['both FINs were there when it was adopted', { firstFin: 'unknown' }, 'unknown fin'],
    ['an RST came', { failure: 'reset' }, 'remote reset'],
    ['an RST came after our FIN', { failure: 'reset', firstFin: 'local' }, 'remote reset'],
    ['an RST came after the FIN of the peer', { failure: 'reset', firstFin: 'remote' }, 'remote reset'],
    ['we sent an RST', { aborted: true }, 'local reset'],
    ['we sent an RST to one who had ended', { aborted: true, firstFin: 'remote' }, 'local reset'],
    ['we sent an RST upon an error', { aborted: true, failure: 'program' }, 'local reset'],
    ['nothing was acknowledged any more', { failure: 'timeout', firstFin: 'local' }, 'unknown timeout'],
    ['the network was unreachable', { failure: 'kernel' }, 'unknown error'],
    ['the program destroyed it with an error', { failure: 'program' }, 'local error'],
    ['the program failed on what the peer had ended', { failure: 'program', firstFin: 'remote' }, 'remote error'],
    ['the program failed on what was half known', { failure: 'program', firstFin: 'unknown' }, 'unknown error'],
    ['the peer came and went', { unused: true, firstFin: 'remote' }, 'remote unused'],
    ['the peer came and reset it', { unused: true, failure: 'reset' }, 'remote unused'],
    ['the peer came, and we hung up', { unused: true }, 'local unused'],
    ['the peer came, and we reset it', { unused: true, aborted: true, failure: 'reset' }, 'local unused'],
    ['the peer came and was never heard of', { unused: true, failure: 'timeout' }, 'unknown unused'],
    ['the peer came, and the program failed', { unused: true, failure: 'program' }, 'local unused'],
  ])('%s', (_what, facts, pair) => {
    const closing = closingOf({ firstFin: 'none', failure: 'none', aborted: false, unused: false, ...facts });
    expect(CLOSINGS[closing]?.join(' ')).toBe(pair);
  });

  it('reads the same from the flags of a record', () => {
    for (const facts of ALL_FACTS) {
      const flags =
        FIRST_FINS.indexOf(facts.firstFin) * FLAG.firstFinLocal +
        FAILURES.indexOf(facts.failure) * FLAG.failedReset +
        (facts.aborted ? FLAG.aborted : 0) +
        (facts.unused ? FLAG.unused : 0);
      expect(closingOfFlags(flags)).toBe(closingOf(facts));
      expect(closingOfFlags(flags | ~FLAG.closingMask)).toBe(closingOf(facts));
    }
  });

  it('the flags of a record mean what their names say', () => {
    expect(CLOSINGS[closingOfFlags(FLAG.firstFinRemote)]).toEqual(['remote', 'fin']);
    expect(CLOSINGS[closingOfFlags(FLAG.firstFinUnknown)]).toEqual(['unknown', 'fin']);
    expect(CLOSINGS[closingOfFlags(FLAG.failedTimeout)]).toEqual(['unknown', 'timeout']);
    expect(CLOSINGS[closingOfFlags(FLAG.failedKernel)]).toEqual(['unknown', 'error']);
    expect(CLOSINGS[closingOfFlags(FLAG.failedProgram)]).toEqual(['local', 'error']);
  });
});
