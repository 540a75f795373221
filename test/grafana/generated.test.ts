import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generate } from '../../grafana/generate.ts';

const OUT = new URL('../../grafana/out/', import.meta.url);

test('grafana/out holds what the code generates, byte for byte (npm run grafana)', () => {
  const generated = generate();
  expect(readdirSync(OUT).sort()).toEqual([...generated.keys()].sort());
  for (const [file, text] of generated) expect(readFileSync(new URL(file, OUT), 'utf8'), file).toBe(text);
});

test('generating twice gives the same text', () => {
  expect([...generate()]).toEqual([...generate()]);
});
