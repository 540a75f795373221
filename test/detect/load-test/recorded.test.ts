import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LimitKind } from '../../../src/detect/load-test/finding.ts';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { recordedRun } from '../../support/recorded-runs.ts';

/** What is found in each, the first of it first. */
const EXPECTED: { readonly [name: string]: readonly LimitKind[] } = {
  'loop-computes': ['loop_blocked', 'accept_queue_full'],
  'loop-sleeps': ['loop_blocked', 'accept_queue_full'],
  'short-backlog': ['accept_queue_full', 'connections_not_reused'],
  'clients-ask-to-close': ['connections_not_reused', 'server_busy'],
  'requests-after-close': ['connections_not_reused'],
  'server-says-close': ['server_closes_first', 'server_busy'],
  'ports-used-up': ['ports_exhausted', 'connections_not_reused'],
  'half-open-reset': ['leak'],
  'reset-by-server': ['resets'],
  descriptors: ['descriptors_exhausted', 'resets'],
  'keep-alive-race': ['keep_alive_race'],
  'clients-hardly-read': ['reader_stalled'],
  'uploads-read-late': ['reader_stalled'],
  'packets-lost': ['packets_lost'],
  'server-busy': ['server_busy'],
  'generator-busy': ['generator_limited'],
  crash: ['target_gone', 'connections_refused'],
  restart: ['connections_refused'],
  'healthy-10': [],
  'healthy-200': [],
  'healthy-large-answers': [],
};

const files = readdirSync(new URL('../../fixtures/load-test', import.meta.url)).filter((file) =>
  file.endsWith('.json'),
);

describe('what limited a load test that was recorded', () => {
  test('each recording is expected to show something', () => {
    expect(files.map((file) => file.replace('.json', '')).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(Object.entries(EXPECTED))('%s: %j', (name, kinds) => {
    expect(findingsOf(recordedRun(name)).map(({ kind }) => kind)).toEqual(kinds);
  });

  test.each(Object.entries(EXPECTED))('%s, ended early at any look, is no other first', (name, kinds) => {
    const run = recordedRun(name);
    const { fromMs } = run.phases.load;
    const inLoad = run.samples.filter(({ atMs }) => atMs >= fromMs && atMs <= run.phases.load.toMs);
    // Two seconds have the same limit as three; a crash, a restart and ports that run out take their time.
    for (const { atMs } of inLoad.filter((sample) => sample.atMs > fromMs + 2_500)) {
      const [first] = findingsOf({
        ...run,
        phases: { ...run.phases, load: { fromMs, toMs: atMs }, after: { fromMs: atMs, toMs: atMs } },
        samples: run.samples.filter((sample) => sample.atMs <= atMs),
        isInterrupted: true,
        isQuiet: false,
      });
      // A server that has not come back yet has gone.
      const early = name === 'restart' ? ['target_gone'] : [];
      expect([undefined, kinds[0], ...early], `at ${atMs} ms`).toContain(first?.kind);
    }
  });

  test.each(Object.keys(EXPECTED))('%s, with every table degraded, throws nothing and accuses nobody else', (name) => {
    const run = recordedRun(name);
    const samples = run.samples.map((sample) =>
      sample.table === undefined ? sample : { ...sample, table: { ...sample.table, degraded: ['inconsistent'] } },
    );
    const kinds = findingsOf({ ...run, samples }).map(({ kind }) => kind);
    expect([...(EXPECTED[name] ?? []), ...(UNSEEN[name] ?? [])]).toEqual(expect.arrayContaining(kinds));
  });

  test.each(Object.keys(EXPECTED))(
    '%s, without a table at all, is told by the counters and processes or not at all',
    (name) => {
      const run = recordedRun(name);
      const samples = run.samples.map(({ table: _, ...sample }) => sample);
      const [first] = findingsOf({ ...run, samples });
      if (first !== undefined) expect([...(EXPECTED[name] ?? []), ...(UNSEEN[name] ?? [])]).toContain(first.kind);
    },
  );
});

/** What is told where no sound table tells its cause. */
const UNSEEN: { readonly [name: string]: readonly LimitKind[] } = {
  'requests-after-close': ['resets'],
  'keep-alive-race': ['resets'],
  restart: ['resets'],
};
