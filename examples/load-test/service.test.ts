// A load test as a gate: it fails where sockets are left, or connections were not used again.
// Run it: npx vitest run examples/load-test
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Comparison, compare, createMonitor, formatLeaks, type Mark, type Monitor } from 'finwait';
import { afterAll, beforeAll, expect, test } from 'vitest';

const server = createServer((_request, response) => response.end('hello\n'));
const agent = new Agent({ keepAlive: true, maxSockets: 10 });
let monitor: Monitor;
let url = '';

beforeAll(async () => {
  monitor = createMonitor();
  monitor.observeServer(server, { name: 'api' });
  monitor.observeAgent(agent, { name: 'load' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  monitor.close();
  server.close();
});

test('a thousand requests use ten connections, and leave none', async () => {
  const before = await monitor.mark('before');
  await Promise.all(Array.from({ length: 1_000 }, request));
  agent.destroy();
  const load = await settled(before);

  expect(load.left).toEqual([]);
  expect(load.names).toMatchObject([
    { name: 'api', opened: 10, requests: 1_000, resetsReceived: 0, resetsSent: 0 },
    { name: 'load', requestsPerConnection: 100, connectFailures: 0 },
  ]);
  expect(monitor.leaks().sockets, formatLeaks(monitor.leaks())).toBe(0);
});

function request(): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => response.resume().once('end', resolve)).once('error', reject);
  });
}

/** A close takes its time: what is left after ten looks stays. */
async function settled(before: Mark): Promise<Comparison> {
  let load = compare(before, await monitor.mark('after'));
  for (let look = 0; look < 10 && load.left.length > 0; look++) load = compare(before, await monitor.mark('after'));
  return load;
}
