import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSharedResult, type SharedResult, sharedResultText } from '../../../src/kernel/sharing/shared-result.ts';
import { DEGRADATIONS } from '../../../src/kernel/source.ts';

const OK: SharedResult = { ok: true, source: 'ss', rows: 3, durationMs: 1.5, nextIntervalMs: 15_000 };
const EVERY_FLAW = DEGRADATIONS.map((reason) => ({ reason, detail: `why it is ${reason}` }));
const FAILED: SharedResult = { ok: false, reason: 'timeout', detail: 'why', durationMs: 5, nextIntervalMs: 15_000 };

describe('a result', () => {
  it.each<SharedResult>([
    OK,
    { ...OK, source: 'procfs', rows: 0 },
    { ...OK, degraded: [] },
    { ...OK, degraded: [{ reason: 'stderr', detail: 'it complained' }] },
    { ...OK, degraded: EVERY_FLAW },
    FAILED,
  ])('%j reads as it was written', (result) => {
    expect(parseSharedResult(sharedResultText(result))).toEqual(result);
  });

  it('keeps 4,096 characters of a detail, 1,024 of each flaw, and fits a frame whatever they are', () => {
    const detail = '\0'.repeat(100_000);
    const flaws = EVERY_FLAW.map(({ reason }) => ({ reason, detail }));
    const cases: readonly (readonly [SharedResult, SharedResult])[] = [
      [
        { ...FAILED, detail },
        { ...FAILED, detail: '\0'.repeat(4096) },
      ],
      [
        // However many there are, each reason is told once.
        { ...OK, degraded: Array.from({ length: 1000 }, () => flaws).flat() },
        { ...OK, degraded: flaws.map(({ reason }) => ({ reason, detail: '\0'.repeat(1024) })) },
      ],
    ];
    for (const [result, told] of cases) {
      const text = sharedResultText(result);
      expect(text.length).toBeLessThan(30_000);
      expect(parseSharedResult(text)).toEqual(told);
    }
  });

  it('takes over known fields only', () => {
    expect(parseSharedResult(JSON.stringify({ ...OK, more: 1 }))).toEqual(OK);
    const more = EVERY_FLAW.map((flaw) => ({ ...flaw, more: 1 }));
    expect(parseSharedResult(JSON.stringify({ ...OK, degraded: more }))).toEqual({ ...OK, degraded: EVERY_FLAW });
  });

  it.each<[string, unknown]>([
    ['no JSON', undefined],
    ['null', null],
    ['a list', []],
    ['a text', 'ok'],
    ['no field', {}],
    ['a reason that is none', { ...FAILED, reason: 'because' }],
    ['a source that is none', { ...OK, source: 'rumour' }],
    ['a negative duration', { ...OK, durationMs: -1 }],
    ['rows in words', { ...OK, rows: 'three' }],
    ['no interval', { ...OK, nextIntervalMs: undefined }],
    ['a detail that is no text', { ...FAILED, detail: 1 }],
    ['a flaw that is in no list', { ...OK, degraded: EVERY_FLAW[0] }],
    ['flaws that are null', { ...OK, degraded: null }],
    ['an empty flaw', { ...OK, degraded: [{}] }],
    ['a flaw that is null', { ...OK, degraded: [null] }],
    ['a flaw among others for no reason', { ...OK, degraded: [...EVERY_FLAW, { reason: 'because', detail: '' }] }],
    ['a flaw without a detail', { ...OK, degraded: [{ reason: 'stderr' }] }],
    ['a flaw told twice', { ...OK, degraded: [...EVERY_FLAW, ...EVERY_FLAW] }],
  ])('is none with %s', (_title, value) => {
    expect(parseSharedResult(value === undefined ? '{"ok":' : JSON.stringify(value))).toBeUndefined();
  });

  it('is a result or none, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseSharedResult(text)));
  });
});
