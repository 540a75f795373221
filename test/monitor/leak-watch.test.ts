// What is done about leaks: the program is told, and sockets are destroyed where it asks for that.
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { createMonitor, type LeakGroup, type Monitor, type MonitorOptions, type Remedy } from 'finwait';
import { afterEach, describe, expect, test } from 'vitest';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const HOST = '127.0.0.1';
const LEAK_AFTER_MS = 150;

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function watch(options: MonitorOptions = {}): Monitor {
  const monitor = createMonitor({
    sampleIntervalMs: 3_600_000,
    leakAfterMs: { close_wait: LEAK_AFTER_MS },
    ...options,
  });
  cleanUps.push(() => monitor.close());
  return monitor;
}

async function listen(server: Server, monitor: Monitor, name: string): Promise<number> {
  monitor.observeServer(server, { name });
  server.listen(0, HOST);
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Peers that end at once, and go on listening. */
async function leave(port: number, count: number, text = ''): Promise<void> {
  const sockets = Array.from({ length: count }, () => net.connect({ port, host: HOST, allowHalfOpen: true }));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket.resume(), 'connect')));
  await Promise.all(
    sockets.map((socket) => {
      socket.on('error', () => undefined).end(text);
      return once(socket, 'finish');
    }),
  );
}

/** A server of which every connection leaks. */
async function leakingServer(monitor: Monitor, name = 'leaky'): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => sockets.push(socket.resume()));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { port: await listen(server, monitor, name), sockets };
}

async function sampleUntil(monitor: Monitor, holds: () => boolean, what: string): Promise<void> {
  await until(
    async () => {
      await monitor.sample();
      return holds();
    },
    () => `${what}: ${JSON.stringify(monitor.leaks())}`,
  );
}

function remedied(monitor: Monitor): number {
  return measure(internalsOf(monitor), 'remedied_sockets_total').reduce((sum, { value }) => sum + value, 0);
}

describe('onLeak', () => {
  testWith('ss', 'is called once for each group, and again only when it is due', async () => {
    const told: LeakGroup[] = [];
    const monitor = watch({ onLeak: (group) => told.push(group) });
    const { port } = await leakingServer(monitor);
    await leave(port, 3);
    await sampleUntil(monitor, () => told.length > 0, 'a call');
    for (let sample = 0; sample < 3; sample++) await monitor.sample();
    expect(told).toHaveLength(1);
    // They are due within some milliseconds of each other: a table may be the first for one, two or all of them.
    expect(told[0]).toMatchObject({ cause: 'not_ended', name: 'leaky', kind: 'net' });
    expect(told[0]?.headline).toMatch(/^[123] CLOSE_WAIT on `leaky`/);
  });

  testWith('ss', 'may throw: that is counted, and the next table is read all the same', async () => {
    const warnings: Error[] = [];
    const monitor = watch({
      onLeak: () => {
        throw new Error('of the program');
      },
      onWarning: (warning) => warnings.push(warning),
    });
    const { port } = await leakingServer(monitor);
    await leave(port, 1);
    await sampleUntil(monitor, () => warnings.length > 0, 'a warning');
    expect(warnings.map(({ message }) => message)).toEqual(['finwait: its callback failed: of the program']);
    expect((await monitor.sample()).ok).toBe(true);
  });

  testWith('ss', 'is not called where nothing leaks', async () => {
    const told: LeakGroup[] = [];
    const monitor = watch({ onLeak: (group) => told.push(group) });
    const server = net.createServer((socket) => socket.resume());
    const port = await listen(server, monitor, 'healthy');
    await leave(port, 5);
    await until(
      () => monitor.snapshot().names[0]?.open === 0,
      () => 'every connection closed',
    );
    for (let sample = 0; sample < 3; sample++) await monitor.sample();
    expect(told).toEqual([]);
    expect(monitor.leaks()).toMatchObject({ sockets: 0, groups: [] });
  });
});

describe('the remedy', () => {
  testWith('ss', 'is off unless it is asked for', async () => {
    const monitor = watch();
    const { port, sockets } = await leakingServer(monitor);
    await leave(port, 2);
    await sampleUntil(monitor, () => monitor.leaks().sockets === 2, 'the leak');
    await monitor.sample();
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    expect(measure(internalsOf(monitor), 'remedied_sockets_total')).toEqual([]);
  });

  testWith('ss', 'destroys what has leaked for long enough, counts it and tells of each', async () => {
    const remedies: Remedy[] = [];
    const monitor = watch({ remedyAfterMs: 1_000, onRemedy: (remedy) => remedies.push(remedy) });
    const { port, sockets } = await leakingServer(monitor);
    await leave(port, 3);
    await sampleUntil(monitor, () => monitor.leaks().sockets === 3, 'the leak');
    expect(remedied(monitor)).toBe(0);
    await sampleUntil(monitor, () => remedies.length === 3, 'three remedies');
    expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
    expect(remedied(monitor)).toBe(3);
    expect(remedies[0]).toMatchObject({
      cause: 'not_ended',
      side: 'server',
      name: 'leaky',
      kind: 'net',
      state: 'close_wait',
    });
    expect(remedies[0]?.local).toBe(`${HOST}:${port}`);
    expect(remedies[0]?.ageMs).toBeGreaterThanOrEqual(1_000);
    await sampleUntil(monitor, () => monitor.leaks().sockets === 0, 'nothing left');
  });

  testWith('ss', 'says in one warning what it did, where nobody else is told', async () => {
    const warnings: string[] = [];
    const monitor = watch({ remedyAfterMs: 1_000, onWarning: ({ message }) => warnings.push(message) });
    const { port } = await leakingServer(monitor);
    await leave(port, 2);
    await sampleUntil(monitor, () => remedied(monitor) === 2, 'two remedies');
    const numbers = warnings.map(
      (text) => /^finwait: destroyed (\d) leaked sockets?, as `remedyAfterMs` asks$/.exec(text)?.[1],
    );
    expect(numbers.reduce((sum, number) => sum + Number(number), 0)).toBe(2);
  });

  testWith('ss', 'leaves a socket alone that has a request in flight', async () => {
    const remedies: Remedy[] = [];
    const monitor = watch({ remedyAfterMs: 1_000, onRemedy: (remedy) => remedies.push(remedy) });
    const server = http.createServer(() => undefined);
    Object.assign(server, { httpAllowHalfOpen: true });
    const busy = await listen(server, monitor, 'busy');
    const { port } = await leakingServer(monitor);
    await leave(busy, 2, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await leave(port, 1);
    await sampleUntil(monitor, () => remedies.length > 0, 'a remedy');
    expect(remedies.map(({ name }) => name)).toEqual(['leaky']);
    await sampleUntil(monitor, () => monitor.leaks().sockets === 2, 'the two that are busy');
    expect(remedied(monitor)).toBe(1);
    server.closeAllConnections();
  });
});

describe('a wrong option', () => {
  test.each([
    [{ leakAfterMs: 5 }, 'leakAfterMs: options are an object, received 5'],
    [{ leakAfterMs: { established: 1_000 } }, "leakAfterMs: unknown option 'established', known are close_wait"],
    [{ leakAfterMs: { close_wait: 1 } }, 'leakAfterMs.close_wait is between 100 and 86400000, received 1'],
    [{ leakAfterMs: { close_wait: '60s' } }, "leakAfterMs.close_wait is an integer, received '60s'"],
    [{ leakReminderMs: 10 }, 'leakReminderMs is between 1000 and 604800000, received 10'],
    [{ remedyAfterMs: 10 }, 'remedyAfterMs is between 1000 and 604800000, received 10'],
    [{ onLeak: 'log' }, "onLeak is a function, received 'log'"],
    [{ onRemedy: {} }, 'onRemedy is a function, received an instance of Object'],
  ])('%j is refused', (options, message) => {
    expect(() => createMonitor(options as MonitorOptions)).toThrow(message);
  });
});
