// A raw TCP service, and both columns of its sockets every second. Run: npx tsx examples/net-server.ts
import { type AddressInfo, createServer } from 'node:net';
import { createMonitor, type StateCounts } from 'finwait';

const monitor = createMonitor();
// With allowHalfOpen our FIN is ours to send: whoever never types `bye` leaves us in CLOSE_WAIT.
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (data) => (data.toString().startsWith('bye') ? socket.end('bye\n') : socket.write(data)));
});
monitor.observeServer(server, { name: 'echo' });
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`talk to it: nc 127.0.0.1 ${port}   half-close it: echo hello | timeout 1 nc -N 127.0.0.1 ${port}`);
});

setInterval(async () => {
  await monitor.sample();
  const { node, kernel } = monitor.snapshot();
  console.log(`Node: ${nonZero(node)}   kernel: ${kernel === undefined ? 'unknown' : nonZero(kernel)}`);
}, 1_000);

function nonZero(counts: StateCounts): string {
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  return shown.map(([state, count]) => `${state} ${count}`).join(', ');
}
