// A process that would like to sample ten times a second and does nothing else: what share of a core it takes shows how
// finwait slows itself down.
import net from 'node:net';
import { createMonitor } from '../../src/index.ts';
import { answer } from './worker.ts';

const monitor = createMonitor({ sampleIntervalMs: 100 });
const server = net.createServer();
monitor.observeServer(server);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const first = await monitor.sample();
if (!first.ok) throw new Error(`no sample: ${first.reason} (${first.detail})`);

answer({}, async () => {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000 };
});
