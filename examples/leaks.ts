// The leak report: who leaks sockets, why, and what to change. Run it: npx tsx examples/leaks.ts
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createMonitor, formatLeak, formatLeaks } from 'finwait';

const monitor = createMonitor({
  // A service keeps the default, a minute; nobody watches an example for that long.
  leakAfterMs: { close_wait: 1_000 },
  onLeak: (group) => console.log(`in your log: ${formatLeak(group)}\n`),
});

const server = createServer();
// The mistake: an upgraded socket is half open by design, and nobody here answers the end of the peer.
server.on('upgrade', (_request, socket) => {
  socket.resume();
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: stream\r\n\r\n');
});
monitor.observeServer(server, { name: 'api' });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

for (let index = 0; index < 3; index++) {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.write('GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: stream\r\n\r\n');
  client.once('data', () => client.end());
}

// A service need not do this: its monitor samples by itself, every 15 s.
while (monitor.leaks().sockets < 3) await monitor.sample();
console.log(formatLeaks(monitor.leaks()));
process.exit();
