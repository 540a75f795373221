// Two upstreams through undici, each by its name, and what their pools hold. Run: npx tsx examples/undici.ts
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMonitor } from 'finwait';
import { registerPrometheus } from 'finwait/prometheus';
import { observeUndici } from 'finwait/undici';
import { register } from 'prom-client';
import { Pool } from 'undici';

const upstream = http.createServer((_request, response) => setTimeout(() => response.end('ok'), 50));
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const origin = `http://localhost:${(upstream.address() as AddressInfo).port}`;

const monitor = createMonitor({ sampleIntervalMs: 1_000 });
registerPrometheus(monitor);
const billing = new Pool(origin, { connections: 2 });
observeUndici(monitor, billing, { name: 'billing' });
observeUndici(monitor, undefined, { name: 'fetch' });

setInterval(() => {
  void fetch(origin).then((response) => response.text());
  // Eight requests for two connections: `pool_pending_requests` says that the pool is too small.
  for (let count = 0; count < 8; count++) void billing.request({ method: 'GET', path: '/' }).then(dump);
}, 100);

function dump({ body }: Awaited<ReturnType<Pool['request']>>): Promise<void> {
  return body.dump();
}

const metrics = http.createServer(async (_request, response) => response.end(await register.metrics()));
metrics.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`curl -s http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics | grep nodejs_tcp_pool`);
});
