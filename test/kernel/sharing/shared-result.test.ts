import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSharedResult, type SharedResult, sharedResultText } from '../../../src/kernel/sharing/shared-result.ts';

const OK: SharedResult = { ok: true, source: 'ss', rows: 3, durationMs: 1.5, nextIntervalMs: 15_000 };
const FAILED: SharedResult = { ok: false, reason: 'timeout', detail: 'why', durationMs: 5, nextIntervalMs: 15_000 };

describe('a result', () => {
  it.each<SharedResult>([
    OK,
    { ...OK, source: 'procfs', rows: 0 },
    { ...OK, degraded: { reason: 'stderr', detail: 'it complained' } },
    FAILED,
  ])('%j reads as it was written', (result) => {
    expect(parseSharedResult(sharedResultText(result))).toEqual(result);
  });

  it('keeps 4,096 characters of a detail, and fits a frame whatever they are', () => {
    const detail = '\0'.repeat(100_000);
    for (const result of [
      { ...FAILED, detail },
      { ...OK, degraded: { reason: 'stderr', detail } },
    ] as const) {
      const text = sharedResultText(result);
      expect(text.length).toBeLessThan(30_000);
      expect(JSON.stringify(parseSharedResult(text))).toContain(JSON.stringify('\0'.repeat(4096)).slice(1, -1));
    }
  });

  it('takes over known fields only', () => {
    expect(parseSharedResult(JSON.stringify({ ...OK, more: 1 }))).toEqual(OK);
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
    ['an empty degradation', { ...OK, degraded: {} }],
    ['a degradation that is null', { ...OK, degraded: null }],
  ])('is none with %s', (_title, value) => {
    expect(parseSharedResult(value === undefined ? '{"ok":' : JSON.stringify(value))).toBeUndefined();
  });

  it('is a result or none, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseSharedResult(text)));
  });
});
