// Two http.Agents by name: what their pools hold, who waits, what is used again. Run: npx tsx examples/agent.ts
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMonitor } from 'finwait';
import { registerPrometheus } from 'finwait/prometheus';
import { Registry } from 'prom-client';

const monitor = createMonitor({ sampleIntervalMs: 1_000 });
const register = new Registry();
registerPrometheus(monitor, { register });
monitor.observeProcess();

const pooled = new Agent({ keepAlive: true, maxSockets: 2 });
const wasteful = new Agent({ keepAlive: false });
monitor.observeAgent(pooled, { name: 'pooled' });
monitor.observeAgent(wasteful, { name: 'wasteful' });

const server = createServer((_request, response) => setTimeout(() => response.end('ok'), 20));
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  setInterval(() => {
    for (const agent of [pooled, pooled, pooled, wasteful]) {
      get({ host: '127.0.0.1', port, agent }, (response) => response.resume());
    }
  }, 10);
});

setInterval(async () => {
  const lines = (await register.metrics()).split('\n');
  const shown = /^nodejs_tcp_(pool_\w+|connections_opened_total|requests_total|sockets)\{.*(client|pool).*\} [^0]/;
  console.log(`\n${lines.filter((line) => shown.test(line)).join('\n')}`);
}, 1_000);
