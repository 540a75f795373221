import { describe, expect, test } from 'vitest';
import { checkDescriptors } from '../../../src/detect/load-test/descriptors.ts';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { loadRunOf } from '../../support/load-runs.ts';

describe('no descriptor was left', () => {
  test.each([
    // Open, limit.
    [256, 256, true],
    [253, 256, true],
    [252, 256, false],
    [30, 1_024, false],
    [0, 0, false],
  ])('with %d of %d open: %s', (openFds, fdLimit, isFull) => {
    const target = checkDescriptors(loadRunOf({ look: () => ({ target: { openFds, fdLimit } }) }));
    expect(target !== undefined).toBe(isFull);
    const generator = checkDescriptors(loadRunOf({ look: () => ({ generator: { openFds, fdLimit } }) }));
    expect(generator !== undefined).toBe(isFull);
    if (!isFull) return;
    expect(target?.sentence).toMatch(/^The server had 25\d of 256 descriptors open/);
    expect(generator?.sentence).toMatch(/^The load generator had 25\d of 256 descriptors open/);
    expect(generator?.advice[0]).toMatch(/^Raise the limit of the load generator: `ulimit -n/);
  });

  test('in the server stands before what it brings about', () => {
    const run = loadRunOf({
      look: ({ seconds }) => ({
        target: { openFds: 256, fdLimit: 256 },
        counters: { resetsSent: seconds * 500, abortsOnClose: seconds * 500, passiveOpens: seconds * 1_000 },
        acceptQueue: { connections: 20, waitedMs: 5_000 },
      }),
    });
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(['descriptors_exhausted', 'resets']);
  });
});
