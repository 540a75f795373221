import { describe, expect, it } from 'vitest';
import type { Readings, SamplingResult } from '../../bench/programs/sampling.ts';
import { findingsOf } from '../../bench/sampling-findings.ts';

/** A table of 50,000 rows that is read within every goal. */
const GOOD: SamplingResult = {
  rows: 50_000,
  ownRows: 50_000,
  processes: 2,
  fillSeconds: 3,
  readings: {
    finwait: readings(100, 110, 30),
    ss: readings(100, 100, 0),
    node_exporter: readings(90, 100, 100),
    netstat: readings(200, 250, 40),
    systeminformation: readings(800, 900, 170),
  },
  delaysMs: { sample: [3, 4, 3, 4, 3, 4, 3, 4, 8], nothing: [1, 1, 1, 1, 2] },
  heldMs: { sample: [2, 2, 3], spawn: [45, 46, 50] },
  dutyPercent: [0.8, 0.9, 0.7],
};

describe('what a reading of the table says of the goals', () => {
  it('passes where all are met', () => {
    expect(verdicts(GOOD)).toEqual({
      'G17 wall / bare ss': 'PASS',
      'G11 CPU / node_exporter': 'PASS',
      'G12 CPU / netstat': 'PASS',
      'G12 CPU / systeminformation': 'PASS',
      'G13 CPU a row, process': 'PASS',
      'G13 wall a row': 'PASS',
      'G14 event-loop delay, median': 'PASS',
      'G14 event-loop delay, worst': 'PASS',
      'G15 delay / spawn, 1 GB held': 'PASS',
      'G16 share of a core, every 15 s': 'NO GOAL',
      'G16 share of a core, unbridled': 'PASS',
    });
  });

  it.each<readonly [failing: string, changed: Partial<SamplingResult>]>([
    ['G17 wall / bare ss', { readings: { ...GOOD.readings, ss: readings(80, 100, 0) } }],
    ['G11 CPU / node_exporter', { readings: { ...GOOD.readings, node_exporter: readings(90, 90, 90) } }],
    ['G12 CPU / netstat', { readings: { ...GOOD.readings, netstat: readings(200, 210, 40) } }],
    ['G12 CPU / systeminformation', { readings: { ...GOOD.readings, systeminformation: readings(800, 500, 9) } }],
    ['G13 CPU a row, process', { readings: { ...GOOD.readings, finwait: readings(100, 110, 36) } }],
    ['G14 event-loop delay, median', { delaysMs: { sample: [6, 6, 6, 7, 7], nothing: [1, 1, 1, 1, 1] } }],
    ['G15 delay / spawn, 1 GB held', { heldMs: { sample: [45, 44, 46], spawn: [45, 46, 50] } }],
    ['G16 share of a core, unbridled', { dutyPercent: [1.2, 1.3, 1.4] }],
  ])('only %s fails where only that is missed', (failing, changed) => {
    const failed = Object.entries(verdicts({ ...GOOD, ...changed })).filter(([, verdict]) => verdict === 'FAIL');
    expect(failed).toEqual([[failing, 'FAIL']]);
  });

  it('one stall is no proof, and none at all where the loop stalls without a sample', () => {
    const stalled = { ...GOOD, delaysMs: { sample: [3, 4, 3, 4, 25], nothing: [1, 1, 1, 1, 2] } };
    expect(verdicts(stalled)['G14 event-loop delay, worst']).toBe('WITHIN NOISE');
    const noisy = { ...GOOD, delaysMs: { sample: [30, 31, 30, 33, 25], nothing: [9, 9, 8, 9, 20] } };
    expect(verdicts(noisy)['G14 event-loop delay, worst']).toBe('INCONCLUSIVE');
    expect(verdicts(noisy)['G14 event-loop delay, median']).toBe('INCONCLUSIVE');
  });

  it('a small table has no goals, and few own rows are none for the join', () => {
    const small = verdicts({ ...GOOD, rows: 1_000, ownRows: 700, dutyPercent: [] });
    expect(new Set(Object.values(small))).toEqual(new Set(['NO GOAL']));
    expect(verdicts({ ...GOOD, ownRows: 34_000 })['G13 CPU a row, process']).toBe('NO GOAL');
  });

  it('readers that could not be had are left out', () => {
    const { finwait, ss } = GOOD.readings;
    const { heldMs, ...withoutHeld } = GOOD;
    expect(heldMs).toBeDefined();
    const found = verdicts({ ...withoutHeld, readings: { ...(finwait && { finwait }), ...(ss && { ss }) } });
    expect(Object.keys(found).filter((key) => /^G1[125]/.test(key))).toEqual([]);
  });
});

function verdicts(result: SamplingResult): { readonly [goalAndWhat: string]: string } {
  return Object.fromEntries(findingsOf(result).map(({ goal, what, verdict }) => [`${goal} ${what}`, verdict]));
}

/** Four turns that hardly differ. */
function readings(wallMs: number, cpuMs: number, ownCpuMs: number): Readings {
  const around = (value: number): number[] => [0.99, 1, 1.01, 1].map((factor) => value * factor);
  return { wallMs: around(wallMs), cpuMs: around(cpuMs), ownCpuMs: around(ownCpuMs) };
}
