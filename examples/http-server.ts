// An http server with a client that keeps connections, and Prometheus metrics. Run: npx tsx examples/http-server.ts
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMonitor } from 'finwait';
import { registerPrometheus } from 'finwait/prometheus';
import { Registry } from 'prom-client';

const monitor = createMonitor({ sampleIntervalMs: 1_000 });
const register = new Registry();
registerPrometheus(monitor, { register });

const server = createServer(async (request, response) => {
  if (request.url !== '/metrics') return response.end('hello\n');
  response.setHeader('content-type', register.contentType);
  return response.end(await register.metrics());
});
monitor.observeServer(server, { name: 'web' });

const agent = new Agent({ keepAlive: true });
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`metrics: curl -s http://127.0.0.1:${port}/metrics | grep -E 'nodejs_tcp_(sockets|open_connections)'`);
  setInterval(() => {
    const request = get({ host: '127.0.0.1', port, agent, path: '/hello' }, (response) => response.resume());
    // Observed before it connects; a socket that is used again is observed already, and that is fine.
    request.once('socket', (socket) => monitor.observeSocket(socket, { name: 'web' }));
  }, 1_000);
});
