import { expect, test } from 'vitest';
import type { LoadSample } from '../../src/detect/load-test/load-sample.ts';
import { crowdedHost } from '../../src/diagnose/crowded-host.ts';

const phases = {
  before: { fromMs: 0, toMs: 100 },
  load: { fromMs: 100, toMs: 900 },
  after: { fromMs: 900, toMs: 1_000 },
};
const look = (atMs: number, target?: number, generator?: number): LoadSample => ({
  atMs,
  tookMs: 5,
  counters: {},
  ...(target === undefined ? {} : { target: { processes: 1, waitedForProcessor: target } }),
  ...(generator === undefined ? {} : { generator: { processes: 1, waitedForProcessor: generator } }),
});

test('a host whose processors were wanted by more than they are is told, with whose thread waited how long', () => {
  expect(crowdedHost({ phases, samples: [look(200, 0.2, 0.5), look(400, 0.4, 0.9)] })).toBe(
    'The host was crowded: a thread was ready and had no processor, the server for 30% of the time, the load generator for 70%. What was measured is the host as much as the server.',
  );
  expect(crowdedHost({ phases, samples: [look(200, 0.3)] })).toMatch(/, the server for 30% of the time\. /);
});

test('what is before and after the load says nothing, and what is not known neither', () => {
  expect(
    crowdedHost({ phases, samples: [look(50, 0.9, 0.9), look(500, 0.1, 0.2), look(950, 0.9, 0.9)] }),
  ).toBeUndefined();
  expect(crowdedHost({ phases, samples: [look(500)] })).toBeUndefined();
  expect(crowdedHost({ phases, samples: [] })).toBeUndefined();
});
