// Every leak on real sockets: first the kernel shows it, then finwait must say the same.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import {
  askLeaks,
  expectedFindings,
  findingsOf,
  heard,
  type LeakAnswer,
  nameOf,
  type ScenePorts,
  shown,
  startHost,
} from '../support/leak-scene.ts';
import { until } from '../support/wait.ts';
import { type LeakingSockets, SCENES, type Scene, SOCKETS } from './scenes.ts';

const OPTIONS = {
  sampleIntervalMs: 200,
  leakAfterMs: { close_wait: 1_000, fin_wait_2: 1_000, last_ack: 1_000, closing: 1_000, syn_sent: 1_000 },
};
const CLIENTS = process.env['FINWAIT_CLIENTS'] ?? '';

describe.concurrent('a leak that ss shows', () => {
  let library: BuiltLibrary;
  beforeAll(() => {
    library = buildLibrary();
  });
  afterAll(() => library.remove());

  for (const scene of SCENES) {
    const missing = whatIsMissing(scene);
    const title = `${scene.family}: ${scene.title}${missing === undefined ? '' : ` (needs ${missing})`}`;
    if (missing !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] !== '1') test.skip(title, () => undefined);
    else test(title, () => hold(scene));
  }

  async function hold(scene: Scene): Promise<void> {
    const how = { library: library.folder, options: OPTIONS };
    const host = startHost(scene.family, scene.title, { ...how, isNamespaced: scene.isNamespaced });
    try {
      const ports = await heard<ScenePorts>(host, 'ready');
      const expected = scene.leaks.map(() => [SOCKETS, SOCKETS]);
      let seen: readonly [number, number][] = [];
      await until(
        async () => {
          seen = await shown(scene, host.pid, ports);
          return JSON.stringify(seen) === JSON.stringify(expected);
        },
        () => `${JSON.stringify(expected)} sockets of ${JSON.stringify(scene)} in ss: ${JSON.stringify(seen)}`,
      );
      await expectFound(scene, ports, () => askLeaks(host));
      // Nothing has changed meanwhile, and finwait has changed nothing.
      expect(await shown(scene, host.pid, ports)).toEqual(expected);
    } finally {
      await host.end();
    }
  }
});

async function expectFound(scene: Scene, ports: ScenePorts, ask: () => Promise<LeakAnswer>): Promise<void> {
  const expected = expectedFindings(scene, ports);
  let answer = await ask();
  await until(
    async () => {
      answer = await ask();
      const isDue = scene.leaks.every((leak) => leakedIn(answer, leak, ports) === leakedFor(leak));
      return isDue && JSON.stringify(findingsOf(answer.report)) === JSON.stringify(expected);
    },
    () => 'it',
  ).catch(() => undefined);
  const { report, metrics } = answer;
  expect(findingsOf(report)).toEqual(expected);
  expect(report.sockets).toBe(scene.leaks.length * SOCKETS);

  const value = (metric: string, labels: object): number => valueIn(metrics, metric, labels);
  for (const leak of scene.leaks) {
    const { side, state } = leak;
    const name = nameOf(leak, ports);
    const causes = metrics['close_wait_sockets']?.filter(({ labels }) => isLabelled(labels, { side, name })) ?? [];
    const inCloseWait = state === 'close_wait' ? SOCKETS : 0;
    expect(causes.reduce((sum, point) => sum + point.value, 0)).toBe(inCloseWait);
    expect(value('sockets', { side, name, state: 'close_wait' })).toBe(inCloseWait);
    expect(leakedIn(answer, leak, ports)).toBe(leakedFor(leak));
    if (inCloseWait > 0) expect(value('oldest_socket_age_seconds', { side, name, state })).toBeGreaterThanOrEqual(1);
    expect(value('half_open_suspects', { side, name })).toBe(leak.cause === 'half_open' ? SOCKETS : 0);
  }
  for (const [kind, sockets] of Object.entries(expected.divergent)) {
    expect({ kind, sockets: value('divergent_sockets', { kind }) }).toEqual({ kind, sockets });
  }
  expect(metrics['internal_errors_total']?.filter((point) => point.value > 0)).toEqual([]);
}

/** What has a threshold counts as leaked once it is over; what contradicts itself is reported before. */
function leakedFor({ state }: LeakingSockets): number {
  return state in OPTIONS.leakAfterMs ? SOCKETS : 0;
}

function leakedIn({ metrics }: LeakAnswer, leak: LeakingSockets, ports: ScenePorts): number {
  return valueIn(metrics, 'leaked_sockets', { side: leak.side, name: nameOf(leak, ports), state: leak.state });
}

function valueIn(metrics: LeakAnswer['metrics'], metric: string, labels: object): number {
  return metrics[metric]?.find((point) => isLabelled(point.labels, labels))?.value ?? 0;
}

function isLabelled(labels: Readonly<Record<string, string>>, wanted: object): boolean {
  return Object.entries(wanted).every(([key, text]) => labels[key] === text);
}

function whatIsMissing({ isNamespaced, packages = [] }: Scene): string | undefined {
  const absent = packages.filter((name) => !existsSync(join(CLIENTS, 'node_modules', name)));
  if (absent.length > 0 || (packages.length > 0 && CLIENTS === '')) return `${packages.join(', ')} in FINWAIT_CLIENTS`;
  const tools = isNamespaced === true ? NAMESPACE_TOOLS : 'command -v ss';
  return spawnSync('sh', ['-c', tools]).status === 0 ? undefined : tools;
}

const NAMESPACE_TOOLS = 'command -v ss && command -v nsenter && unshare -rnm ip tuntap add d0 mode tun';
