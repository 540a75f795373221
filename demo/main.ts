// npm run demo [-- --seconds N] [--port N]: two services, their clients in other processes, and what finwait sees.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createMonitor, formatLeaks, type Snapshot } from 'finwait';
import { findings } from './findings.ts';
import { Processes } from './processes.ts';
import { startServices } from './services.ts';
import { renderLine, renderTable } from './table.ts';

const CLIENTS = ['keep-alive', 'leak', 'reset', 'churn', 'half-close'];
const REDRAW_MS = 1_000;
/** A service waits a minute before it calls a CLOSE_WAIT leaked; nobody watches a demo for that long. */
const LEAK_AFTER_MS = 3_000;

const { values } = parseArgs({ options: { seconds: { type: 'string' }, port: { type: 'string', default: '0' } } });
const limit = values.seconds === undefined ? Number.POSITIVE_INFINITY : numberOf('seconds', values.seconds, 86_400);
const port = numberOf('port', values.port, 65_535);

// Ctrl-C may arrive twice, from the terminal and from what runs this; both mean the same.
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
process.stdout.on('error', () => stop.abort());

let trouble: string | undefined;
const monitor = createMonitor({
  sampleIntervalMs: REDRAW_MS,
  leakAfterMs: { close_wait: LEAK_AFTER_MS },
  onWarning: (warning) => {
    trouble = warning.message;
  },
});
const processes = new Processes();
const upstreamPort = await processes.start('upstream.ts');
const services = await startServices(monitor, port, `http://127.0.0.1:${upstreamPort}`);
const metricsUrl = `http://127.0.0.1:${services.apiPort}/metrics`;

await sample();
const first = monitor.snapshot();
const ports = [String(services.apiPort), String(services.rawPort)];
await Promise.all(CLIENTS.map((role) => processes.start('clients.ts', [role, ...ports])));
const startedAt = performance.now();

if (!process.stdout.isTTY) console.log(`finwait demo: ${metricsUrl}`);
let drawn = 0;
while (!stop.signal.aborted && elapsed() < limit) {
  // A kernel that does not answer holds nothing up: the table then shows how old the last answer is.
  await Promise.race([sample(), sleep(REDRAW_MS, undefined, { ref: false })]);
  draw(monitor.snapshot());
  const left = Math.min(REDRAW_MS, (limit - elapsed()) * 1000);
  await sleep(Math.max(0, left), undefined, { signal: stop.signal }).catch(() => undefined);
}

// What was found is read while everything still stands.
await sample();
const last = monitor.snapshot();
const leaks = monitor.leaks();
const seconds = Math.round(elapsed());
await processes.end();
await services.close();
monitor.close();

if (process.stdout.isTTY) draw(last);
else console.log(`\n${renderTable(last, { seconds, metricsUrl, trouble }).join('\n')}`);
console.log(`\nWhat was found in ${seconds} s:`);
const sentences = findings(first, last, { seconds, trouble });
for (const sentence of sentences.length > 0 ? sentences : ['Nothing.']) console.log(`- ${sentence}`);
console.log(`\n${formatLeaks(leaks, { style: 'terminal' })}`);

async function sample(): Promise<void> {
  const result = await monitor.sample();
  if (!result.ok) trouble = result.detail;
}

function draw(snapshot: Snapshot): void {
  const at = Math.floor(elapsed());
  if (!process.stdout.isTTY) {
    console.log(renderLine(snapshot, at));
    return;
  }
  // A line that wraps would be two to go back over.
  const lines = renderTable(snapshot, { seconds: at, metricsUrl, trouble }).map((line) =>
    line.slice(0, process.stdout.columns),
  );
  // Up to the first line of the last table, then clear to the end of the screen.
  const back = drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`;
  process.stdout.write(`${back}${lines.join('\n')}\n`);
  drawn = lines.length;
}

function elapsed(): number {
  return (performance.now() - startedAt) / 1000;
}

function numberOf(option: string, text: string, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= most) return number;
  console.error(`--${option} is a whole number of at most ${most}, received '${text}'`);
  process.exit(2);
}
