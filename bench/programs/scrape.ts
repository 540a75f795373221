// How long a scrape takes: `registry.metrics()` of a registry that holds finwait's metrics alone.
import net from 'node:net';
import { Registry } from 'prom-client';
import { registerPrometheus } from '../../src/exporters/prometheus.ts';
import { createMonitor } from '../../src/index.ts';

/** What one run of this program prints. */
export interface ScrapeResult {
  readonly series: number;
  /** Milliseconds of each scrape. */
  readonly ms: number[];
}

const names = Number(process.argv[2]);
const SCRAPES = 300;
const WARM_UPS = 50;

const monitor = createMonitor({ maxNames: Math.max(names, 1), sampleIntervalMs: 3_600_000 });
const registry = new Registry();
registerPrometheus(monitor, { register: registry });
const servers = Array.from({ length: names }, () => net.createServer());
for (const [index, server] of servers.entries()) monitor.observeServer(server, { name: `service-${index}` });
await monitor.sample();

const ms: number[] = [];
let text = '';
for (let scrape = 0; scrape < WARM_UPS + SCRAPES; scrape++) {
  const startedAt = performance.now();
  text = await registry.metrics();
  if (scrape >= WARM_UPS) ms.push(performance.now() - startedAt);
}
monitor.close();
const result: ScrapeResult = {
  series: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
  ms,
};
process.stdout.write(JSON.stringify(result));
