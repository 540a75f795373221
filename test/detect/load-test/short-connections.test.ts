import { describe, expect, test } from 'vitest';
import type { LimitKind } from '../../../src/detect/load-test/finding.ts';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import { type GivenRun, loadRunOf } from '../../support/load-runs.ts';

interface Churn {
  readonly opened: number;
  readonly open?: number;
  /** TIME_WAITs at either end, as shares of what was opened. */
  readonly server?: number;
  readonly callers?: number;
  readonly isElsewhere?: boolean;
  /** RSTs over data that came too late, and those that ended a connection which both ends had open. */
  readonly late?: number;
  readonly aborted?: number;
}

const churning = (
  { opened, open = 10, server = 0, callers = 0, isElsewhere = false, late = 0, aborted = 0 }: Churn,
  run: GivenRun = {},
) =>
  loadRunOf({
    look: ({ steady, phase, seconds }) => {
      const now = Math.round(opened * steady);
      const isOn = phase === 'load';
      return {
        counters: {
          passiveOpens: now,
          activeOpens: isElsewhere ? 0 : now,
          timeWaitCreated: Math.round(now * (server + (isElsewhere ? 0 : callers))),
          resetsSent: Math.round(now * (late + aborted)),
          establishedResets: Math.round(now * (late + aborted * 2)),
          segmentsSent: seconds * 50_000,
        },
        server: { listen: 1, established: isOn ? open : 0, time_wait: Math.round(now * server) },
        callers: {
          established: isOn && !isElsewhere ? open : 0,
          time_wait: isElsewhere ? 0 : Math.round(now * callers),
        },
      };
    },
    ...run,
  });

const CLOSES = { probe: { status: 200, keepsConnection: false } };
const firstOf = (churn: Churn, run: GivenRun = {}): LimitKind | undefined => findingsOf(churning(churn, run))[0]?.kind;

describe('short connections', () => {
  test.each<[string, Churn, GivenRun, LimitKind | undefined]>([
    ['closed first by the clients', { opened: 5_000, callers: 1 }, {}, 'connections_not_reused'],
    ['closed first by a server that keeps ours', { opened: 5_000, server: 1 }, {}, 'connections_not_reused'],
    ['closed first by a server that closes ours too', { opened: 5_000, server: 1 }, CLOSES, 'server_closes_first'],
    [
      'closed by both at once, by a server that closes ours',
      { opened: 5_000, server: 0.55, callers: 0.45 },
      CLOSES,
      'server_closes_first',
    ],
    [
      'closed first by a server without HTTP',
      { opened: 5_000, server: 1 },
      { probe: { status: 0, keepsConnection: false } },
      'server_closes_first',
    ],
    [
      'with a request that comes after the close',
      { opened: 5_000, server: 0.05, late: 0.95 },
      {},
      'connections_not_reused',
    ],
    [
      'with such a request, to a server that closes ours',
      { opened: 5_000, server: 0.05, late: 0.95 },
      CLOSES,
      'server_closes_first',
    ],
    [
      'from elsewhere, closed first there',
      { opened: 5_000, callers: 1, isElsewhere: true },
      {},
      'connections_not_reused',
    ],
    [
      'from elsewhere, closed first here',
      { opened: 5_000, server: 1, isElsewhere: true },
      CLOSES,
      'server_closes_first',
    ],
    ['that end by being reset', { opened: 5_000, aborted: 1 }, {}, 'resets'],
    ['few of them', { opened: 99, open: 1, callers: 1 }, {}, undefined],
    ['not many more than are open at a time', { opened: 490, open: 100, callers: 1 }, {}, undefined],
    ['five times as many as are open at a time', { opened: 520, open: 100, callers: 1 }, {}, 'connections_not_reused'],
  ])('%s', (_, churn, run, kind) => {
    expect(firstOf(churn, run)).toBe(kind);
  });

  test('spoil less than what fails', () => {
    for (const churn of [
      { opened: 500, callers: 1 },
      { opened: 500_000, callers: 1 },
    ]) {
      const [found] = findingsOf(churning(churn));
      expect(found?.impact).toBeGreaterThanOrEqual(0.2);
      expect(found?.impact).toBeLessThanOrEqual(0.3);
    }
  });

  test('say how many, for how many at a time, and who closes', () => {
    expect(findingsOf(churning({ opened: 4_500, callers: 1 }))[0]?.sentence).toMatch(
      /^4,500 connections were opened \([\d,.]+ a second\) where at most 10 were open at a time: the clients closed them first\.$/,
    );
    const closing = findingsOf(churning({ opened: 4_500, server: 1 }, CLOSES))[0];
    expect(closing?.confidence).toBe('proven');
    expect(closing?.sentence).toMatch(
      /: the server closed them first, and says `Connection: close` with its answer\.$/,
    );
  });

  test('that serve several requests are ended by the server for their number', () => {
    const run = churning({ opened: 4_500, server: 1 });
    const samples = run.samples.map((sample, index) => ({
      ...sample,
      inside: {
        ...loadRunOf({ look: () => ({ inside: {} }) }).samples[0]?.inside,
        opened: { server: index * 200, client: 0 },
        requests: index * 2_000,
      },
    }));
    const [found] = findingsOf({ ...run, samples } as typeof run);
    expect(found?.kind).toBe('server_closes_first');
    expect(found?.advice[0]).toMatch(/`server\.maxRequestsPerSocket`/);
  });

  test('of a server that has no descriptor left say nothing of how it closes', () => {
    const run = churning({ opened: 5_000, server: 1 });
    const samples = run.samples.map((sample) => ({ ...sample, target: { processes: 1, openFds: 256, fdLimit: 256 } }));
    expect(findingsOf({ ...run, samples }).map(({ kind }) => kind)).toEqual(['descriptors_exhausted']);
  });

  test('explain the ports that they use up', () => {
    const run = churning({ opened: 20_000, callers: 1 });
    const samples = run.samples.map((sample) =>
      sample.table === undefined
        ? sample
        : {
            ...sample,
            table: {
              ...sample.table,
              ports: [
                {
                  whose: 'callers' as const,
                  destination: '127.0.0.1:3000',
                  used: sample.table.callers.time_wait,
                  timeWait: sample.table.callers.time_wait,
                  limit: 25_000,
                },
              ],
            },
          },
    );
    expect(findingsOf({ ...run, samples }).map(({ kind }) => kind)).toEqual([
      'connections_not_reused',
      'ports_running_out',
    ]);
  });
});
