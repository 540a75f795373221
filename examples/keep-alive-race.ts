// A request meets the server's close: the metric, and whose timeout to change. Run: npx tsx examples/keep-alive-race.ts
import { Agent, get } from 'node:http';
import { Worker } from 'node:worker_threads';
import { createMonitor } from 'finwait';
import { registerPrometheus } from 'finwait/prometheus';
import { Registry } from 'prom-client';

const monitor = createMonitor();
monitor.observeProcess();
const register = new Registry();
registerPrometheus(monitor, { register });

// Elsewhere, a server whose close crosses the next request. (One that has arrived is seen since Node 22.23.5 and 24.22.3.)
const server = `require('node:net').createServer((socket) => {
  let requests = 0;
  socket.on('data', () => ++requests > 1 ? socket.destroy()
    : socket.write('HTTP/1.1 200 OK\\r\\nKeep-Alive: timeout=2\\r\\nContent-Length: 0\\r\\n\\r\\n'));
}).listen(0, '127.0.0.1', function () { require('node:worker_threads').parentPort.postMessage(this.address().port); })`;
const agent = new Agent({ keepAlive: true });
const worker = new Worker(server, { eval: true });
const port = await new Promise<number>((resolve) => worker.once('message', resolve));
const ask = (): Promise<string> =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, agent }, (answer) => answer.resume().on('end', () => resolve('200'))).on(
      'error',
      (error) => resolve(error.message),
    );
  });
console.log(`the first request: ${await ask()}`);
console.log('now nothing is asked for 2.5 s ...');
await new Promise((resolve) => setTimeout(resolve, 2_500));
console.log(`the second request, on the same connection: ${await ask()}\n`);
await new Promise((resolve) => setTimeout(resolve, 100)); // it is counted at its 'close', after the request's error
console.log((await register.metrics()).match(/^nodejs_tcp_reused_connection_errors_total.*$/m)?.[0]);
for (const { kind, sentence, advice } of monitor.snapshot().verdicts) {
  console.log(`\n${kind}: ${sentence}\n- ${advice.join('\n- ')}`);
}
monitor.close();
await worker.terminate();
