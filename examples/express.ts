// An Express service whose sockets are visible: one app.use. Run: npx tsx examples/express.ts
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createMonitor } from 'finwait';
import { socketLifecycle } from 'finwait/express';

const monitor = createMonitor({ sampleIntervalMs: 1_000 });
const app = express();
app.use(socketLifecycle(monitor, { name: 'api' }));
app.get('/users/:id', (request, response) => {
  response.json({ id: request.params.id });
});

// Leak on purpose: an upgrade hands the socket over with allowHalfOpen, and nobody answers the peer's FIN.
const server = app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  console.log(`metrics: curl -s ${url}/metrics | grep nodejs_tcp_sockets`);
  console.log(`a request: curl ${url}/users/7`);
  console.log(`a CLOSE_WAIT that stays: curl -m 1 -H 'connection: upgrade' -H 'upgrade: x' ${url}`);
});
server.on('upgrade', (_request, socket) => {
  socket.on('error', () => undefined).resume();
});
