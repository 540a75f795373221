import { expect, it } from 'vitest';
import { COLLECTOR_REASONS } from '../../src/kernel/source.ts';
import { readSource } from '../support/script.ts';

it('docs/kernel-table.md says what each reason of collector_errors_total means, and knows no other', () => {
  const rows = readSource('docs/kernel-table.md').matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \|/gm);
  const told = [...rows].flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, reason]) => reason));
  expect(told.sort()).toEqual([...COLLECTOR_REASONS].sort());
});
