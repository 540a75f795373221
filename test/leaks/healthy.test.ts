// No false alarm: a busy service that leaks nothing. FINWAIT_HEALTHY_SECONDS says for how long.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { judge } from '../support/leak-judge.ts';
import { heard, startHost } from '../support/leak-scene.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const SECONDS = Number(process.env['FINWAIT_HEALTHY_SECONDS'] ?? 10);
const LEAK_AFTER_MS = 5_000;
const DEADLINE_MS = (SECONDS + 25) * 1_000;
/** Half a second of each kind of work, at least; a thousand short connections a second on a machine that is not busy. */
const KINDS = [
  'keep-alive',
  'long polling',
  'download',
  'slow upload',
  'server-sent events',
  'WebSocket',
  'half close',
  'short',
];

interface Look {
  readonly ok: boolean;
  readonly degraded: readonly string[];
  readonly rows: number;
  readonly sockets: number;
  readonly groups: readonly object[];
  readonly divergent: Readonly<Record<string, number>>;
  readonly halfOpen: number;
}

interface Over {
  readonly samples: readonly Look[];
  /** What the clients have done. */
  readonly counts: Readonly<Record<string, number>>;
}

describe('a busy service that leaks nothing', () => {
  let library: BuiltLibrary;
  beforeAll(() => {
    library = buildLibrary();
  });
  afterAll(() => library.remove());

  testWith(
    'ss && command -v nsenter && command -v ip && unshare -rnm true',
    `raises no alarm in ${SECONDS} s of samples each second`,
    async () => {
      const leakAfterMs = Object.fromEntries(
        ['close_wait', 'fin_wait_2', 'last_ack', 'closing', 'syn_sent'].map((state) => [state, LEAK_AFTER_MS]),
      );
      const options = { sampleIntervalMs: 3_600_000, leakAfterMs };
      const env = { LEAK_SECONDS: `${SECONDS}` };
      const host = startHost('healthy', 'healthy service', {
        library: library.folder,
        options,
        env,
        isNamespaced: true,
      });
      try {
        await heard(host, 'ready', DEADLINE_MS);
        const { samples, counts } = await heard<Over>(host, 'over');
        console.log('done by the clients:', counts, 'rows:', samples.map(({ rows }) => rows).join(' '));
        expect(samples).toHaveLength(SECONDS);
        for (const kind of KINDS) expect(counts[kind]).toBeGreaterThan(SECONDS / 2);
        expect(counts['short']).toBeGreaterThan(100 * SECONDS);
        for (const { ok, sockets, groups, divergent, halfOpen } of samples) {
          const alarms = Object.entries(divergent).filter(([, count]) => count > 0);
          expect({ ok, sockets, groups, halfOpen, alarms }).toEqual(NO_ALARM);
        }
        // It leaks nothing indeed: with its clients gone, the kernel has nothing half closed of it.
        const ports = Object.values(await heard<Record<string, number>>(host, 'ready'));
        let left: string[] = [];
        await until(
          async () => {
            left = (await judge(host.pid, ports, true)).filter(({ isHeld }) => isHeld).map(({ state }) => state);
            return left.length === 0;
          },
          () => `no connection of it: ${left}`,
        );
      } finally {
        await host.end();
      }
    },
    DEADLINE_MS + 10_000,
  );
});

const NO_ALARM = { ok: true, sockets: 0, groups: [], halfOpen: 0, alarms: [] };
