import { expect, test } from 'vitest';
import { PROCFS_FAILURES } from '../../src/kernel/procfs/procfs-failure.ts';
import { COLLECTOR_ERRORS, COLLECTOR_REASONS, errorKey } from '../../src/kernel/source.ts';
import { SS_FAILURES } from '../../src/kernel/ss/ss-failure.ts';

test('each source has its own reasons, and no pair is there twice', () => {
  const keys = COLLECTOR_ERRORS.map(errorKey);
  expect(new Set(keys).size).toBe(keys.length);
  for (const reason of SS_FAILURES) expect(keys).toContain(`ss ${reason}`);
  for (const reason of PROCFS_FAILURES) expect(keys).toContain(`procfs ${reason}`);
  for (const reason of ['unparsed', 'inconsistent', 'duplicates']) {
    expect(keys).toContain(`ss ${reason}`);
    expect(keys).toContain(`procfs ${reason}`);
  }
  expect(keys).not.toContain('procfs enoent');
  expect(keys).not.toContain('ss procfs_missing');
});

test('the reasons are those of the pairs, each once', () => {
  expect(new Set(COLLECTOR_REASONS).size).toBe(COLLECTOR_REASONS.length);
  expect([...COLLECTOR_REASONS].sort()).toEqual([...new Set(COLLECTOR_ERRORS.map(({ reason }) => reason))].sort());
});
