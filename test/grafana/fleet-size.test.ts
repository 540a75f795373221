// A generated block of 500 processes, each with the series that a real one of one server and three upstreams shows: how
// many of them does each query of the fleet dashboard touch? 10,000 processes are 20 times that.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMonitor } from 'finwait';
import { registerPrometheus } from 'finwait/prometheus';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { generate } from '../../grafana/generate.ts';
import { RECORDS } from '../../grafana/recording/records.ts';
import { freePort } from '../support/free-port.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';
import { type DashboardJson, expressions, metricsIn } from './queries.ts';

const RULES = fileURLToPath(new URL('../../grafana/out/recording.yml', import.meta.url));
const DOCS = new URL('../../docs/alerts.md', import.meta.url);
const PROCESSES = 500;
const FLEET = 10_000;
const BUDGET = 100_000;

const dashboard = (file: string): DashboardJson => JSON.parse(generate().get(file) ?? '') as DashboardJson;
const RAW = expressions(dashboard('tcp-fleet.json'));
const RECORDED = expressions(dashboard('tcp-fleet-recorded.json'));

testWith(
  'prometheus',
  'a query of the recorded fleet dashboard touches fewer than 100,000 series of 10,000 processes',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'finwait-fleet-'));
    try {
      const series = await seriesOfOneProcess();
      await writeFleet(join(folder, 'fleet.om'), series);
      const made = spawnSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', 'fleet.om', 'data'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(made.status, made.stderr).toBe(0);
      await withPrometheus(folder, async (count) => {
        for (const { record } of RECORDS) {
          await until(
            async () => (await count(record)) > 0,
            () => `${record} is recorded`,
            30_000,
          );
        }
        expect(await count('nodejs_tcp_info')).toBe(PROCESSES);
        const raw = await largest(RAW, count);
        const recorded = await largest(RECORDED, count);
        expect(raw).toBeGreaterThan(BUDGET);
        expect(recorded).toBeLessThan(BUDGET);
        // The figures of the documentation are these.
        const docs = readFileSync(DOCS, 'utf8');
        expect(docs).toContain(
          `| largest query | ${raw.toLocaleString('en-US')} | ${recorded.toLocaleString('en-US')} |`,
        );
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  120_000,
);

type Count = (selector: string) => Promise<number>;

/** How many series the most expensive of the queries selects, for the whole fleet. What is one for each service stays. */
async function largest(queries: readonly string[], count: Count): Promise<number> {
  let most = 0;
  for (const query of queries) {
    let touched = 0;
    for (const [selector] of query.matchAll(/[\w:]+\{[^}]*\}/g)) {
      if (selector.startsWith('ALERTS')) continue;
      const found = await count(selector.replaceAll(/\$(job|instance)/g, '.+'));
      expect(found, selector).toBeGreaterThan(0);
      touched += /^job_/.test(selector) ? found : (found * FLEET) / PROCESSES;
    }
    most = Math.max(most, touched);
  }
  return most;
}

/** Name, labels and value of the series that a scrape of a real process has, of the metrics in question. */
async function seriesOfOneProcess(): Promise<readonly (readonly [name: string, labels: string, value: string])[]> {
  const names = new Set([...RECORDS.map(({ expr }) => expr), ...RAW].flatMap(metricsIn));
  const monitor = createMonitor();
  const register = new Registry();
  const server = net.createServer();
  const sockets: net.Socket[] = [];
  try {
    registerPrometheus(monitor, { register });
    monitor.observeServer(server, { name: 'api' });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as net.AddressInfo;
    for (const name of ['billing:443', 'db:5432', 'cache:6379']) {
      const socket = net.connect(port, '127.0.0.1');
      sockets.push(socket);
      monitor.observeSocket(socket, { name });
      await once(socket, 'connect');
    }
    await monitor.sample();
    return [...(await register.metrics()).matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)]
      .map(([, name = '', labels = '', value = '']) => [name, labels, value] as const)
      .filter(([name]) => names.has(name));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    monitor.close();
  }
}

/** Two samples of every series of every process, within the last two minutes. */
async function writeFleet(
  file: string,
  series: readonly (readonly [name: string, labels: string, value: string])[],
): Promise<void> {
  const now = Date.now() / 1_000;
  const out = createWriteStream(file);
  for (let process = 0; process < PROCESSES; process++) {
    const target = `job="service-${process % 20}",instance="10.0.${process >> 8}.${process & 255}:9464"`;
    for (const [name, labels, value] of series) {
      // Each a namespace of its own, as pods are.
      const own = labels.replace(/netns="\w+"/, `netns="${process.toString(16).padStart(8, '0')}"`);
      const line = `${name}{${own === '' ? '' : `${own},`}${target}} ${value}`;
      if (!out.write(`${line} ${now - 90}\n${line} ${now - 30}\n`)) await once(out, 'drain');
    }
  }
  out.end('# EOF\n');
  await once(out, 'finish');
}

/** A Prometheus over the block, with the recording rules and nothing to scrape. */
async function withPrometheus(folder: string, use: (count: Count) => Promise<void>): Promise<void> {
  const port = await freePort();
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, JSON.stringify({ global: { evaluation_interval: '1s' }, rule_files: [RULES] }));
  const flags = [`--config.file=${config}`, '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`];
  const prometheus = spawn('prometheus', [...flags, '--log.level=warn'], { cwd: folder, stdio: 'ignore' });
  const exited = once(prometheus, 'exit');
  try {
    await until(
      () =>
        fetch(`http://127.0.0.1:${port}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      () => 'Prometheus is ready',
      30_000,
    );
    await use(async (selector) => {
      const query = new URLSearchParams({ query: `count(${selector})` });
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${query}`);
      const { data } = (await answer.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
      return Number(data.result[0]?.value[1] ?? 0);
    });
  } finally {
    prometheus.kill('SIGTERM');
    await exited;
  }
}
