import fc from 'fast-check';
import { Gauge, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { parseExposition } from '../../src/diagnose/parse-exposition.ts';

test('samples are read, and what else there is passed over', () => {
  const text = [
    '# HELP a_total Things.',
    '# TYPE a_total counter',
    'a_total 3',
    'a_total{side="server",name="x}\\"y\\\\z\\n"} 4 1700000000000',
    'b{le="+Inf"} +Inf',
    'c{} NaN # {trace="1"} 2',
    'no sample at all!',
    'd{broken="} 4',
    'e x',
    '# EOF',
    '',
  ].join('\n');
  expect(parseExposition(text).map(({ name, labels, value }) => [name, Object.fromEntries(labels), value])).toEqual([
    ['a_total', {}, 3],
    ['a_total', { side: 'server', name: 'x}"y\\z\n' }, 4],
    ['b', { le: '+Inf' }, Number.POSITIVE_INFINITY],
    ['c', {}, Number.NaN],
  ]);
});

test('whatever prom-client writes is read as it was set', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.string(), fc.double({ noNaN: true })), { minLength: 1 }), async (values) => {
      const register = new Registry();
      const gauge = new Gauge({ name: 'g', help: 'any', labelNames: ['l'], registers: [register] });
      const expected = new Map(values.map(([label, value]) => [label, value + 0]));
      for (const [label, value] of expected) gauge.set({ l: label }, value);
      const read = parseExposition(await register.metrics()).map(({ labels, value }) => [labels.get('l'), value]);
      expect(new Map(read as [string, number][])).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test('no text is too strange', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const { value } of parseExposition(text)) expect(typeof value).toBe('number');
    }),
  );
});
