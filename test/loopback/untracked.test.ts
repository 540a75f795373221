// Sockets that are ours by a descriptor and that no record stands for, held against what ss shows of their inodes.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMonitor } from 'finwait';
import { afterEach, describe, expect } from 'vitest';
import { sizeOfFolder } from '../../src/kernel/procfs/descriptors.ts';
import { probeSocketInode, readOwnSockets } from '../../src/kernel/procfs/inode.ts';
import { SourceChain } from '../../src/kernel/source-chain.ts';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import type { ObserveContext } from '../../src/observe/context.ts';
import { Untracked } from '../../src/observe/untracked.ts';
import { Join, type KernelColumn } from '../../src/sockets/join.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { STATES, stateLabel } from '../../src/tcp/state.ts';
import { Program } from '../support/program.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const NEIGHBOUR = fileURLToPath(new URL('../fixtures/programs/leaking-neighbour.mjs', import.meta.url));

interface Handle {
  onconnection: (status: number, handle: Handle) => void;
  close(): void;
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that keeps the handles of what connects, without a socket for any of them. */
async function keepHandles(count: number): Promise<{ readonly port: number; readonly clients: net.Socket[] }> {
  const kept: Handle[] = [];
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  (server as unknown as { _handle: Handle })._handle.onconnection = (_status, handle) => kept.push(handle);
  const { port } = server.address() as net.AddressInfo;
  const clients = Array.from({ length: count }, () => net.connect({ port, host: '127.0.0.1' }));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  await until(
    () => kept.length === count,
    () => `${kept.length} of ${count} handles`,
  );
  ends.push(() => {
    for (const handle of kept) handle.close();
    for (const client of clients) client.destroy();
    server.close();
  });
  return { port, clients };
}

/** What ss shows of the sockets of this process, by state; of those at one local port, if one is given. */
async function shown(localPort?: number): Promise<{ readonly [state: string]: number }> {
  const own = readOwnSockets() ?? new Map<number, number>();
  const { stdout } = await promisify(execFile)('ss', ['-Htane'], { maxBuffer: 1 << 26 });
  const counts: { [state: string]: number } = {};
  for (const line of stdout.split('\n')) {
    const [name = '', , , local = ''] = line.trim().split(/\s+/);
    const inode = Number(/ ino:(\d+)/.exec(line)?.[1] ?? 0);
    if (inode === 0 || name === 'LISTEN' || !own.has(inode)) continue;
    if (localPort !== undefined && !local.endsWith(`:${localPort}`)) continue;
    const state = name === 'ESTAB' ? 'established' : name.toLowerCase().replaceAll('-', '_');
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** The states of a column that have rows. */
function states({ untrackedStates }: KernelColumn): { readonly [state: string]: number } {
  return Object.fromEntries(
    STATES.filter((state) => untrackedStates[state] !== 0).map((state) => [
      stateLabel(state),
      untrackedStates[state] ?? 0,
    ]),
  );
}

/** Tables of the machine joined with the books of nobody, and how often descriptors were asked about. */
class Tables {
  readonly ledger: Ledger = new Ledger(20);
  probes = 0;
  workedMs = 0;
  readonly #chain: SourceChain = new SourceChain({ helper: false });
  readonly #untracked: Untracked;

  constructor(intervalMs?: number) {
    const context = {
      ledger: this.ledger,
      excluded: new Set<object>(),
      report: (_component: string, error: unknown) => {
        throw error;
      },
    } as unknown as ObserveContext;
    const inodeOf = (fd: number): number => {
      this.probes++;
      return probeSocketInode(fd);
    };
    const descriptors = { inodeOf, count: sizeOfFolder };
    this.#untracked = new Untracked(context, { descriptors, ...(intervalMs === undefined ? {} : { intervalMs }) });
    ends.push(() => this.#chain.close());
  }

  async read(): Promise<KernelColumn> {
    let join: Join | undefined;
    const { table } = await this.#chain.read({
      timeoutMs: 5_000,
      expectedRows: 0,
      signal: new AbortController().signal,
      begin: () => {
        join = new Join(this.ledger, performance.now());
        return join;
      },
    });
    if (table === undefined || join === undefined) throw new Error('no table');
    this.workedMs = await this.#untracked.lookThrough(join);
    const column = join.finish(performance.now());
    join.settle();
    return column;
  }
}

describe('a handle that was kept without its socket', () => {
  testWith('ss', 'shows as untracked in every state, as many as ss shows with our inodes', async () => {
    const { port, clients } = await keepHandles(5);
    const tables = new Tables(0);
    // The first one finds the descriptors, the second one their rows.
    await tables.read();
    const established = await tables.read();
    expect(states(established)).toEqual(await shown());
    expect(states(established)).toEqual({ established: 10 });
    // The sockets that connected are known to Node; what accepted them is not.
    expect(established.untrackedDescriptors).toBe(5);
    for (const client of clients.slice(0, 3)) client.end();
    await until(
      async () => (await shown(port))['close_wait'] === 3,
      () => 'three rows in CLOSE_WAIT',
    );
    const closed = await tables.read();
    expect(states(closed)).toEqual(await shown());
    expect(states(closed)).toMatchObject({ close_wait: 3, fin_wait_2: 3, established: 4 });
    const facts = Array.from({ length: closed.suspects.length }, (_, index) => closed.suspects.factsAt(index));
    expect(facts).toHaveLength(6);
    for (const fact of facts) expect(fact).toMatchObject({ slot: -1, tupleSlot: -1, own: true });
    expect(new Set(facts.map(({ key }) => key)).size).toBe(6);
    const again = (await tables.read()).suspects;
    const keys = Array.from({ length: again.length }, (_, index) => again.factsAt(index).key);
    expect(keys.sort()).toEqual(facts.map(({ key }) => key).sort());
    expect(Math.max(...keys)).toBeLessThan(0);
  });

  testWith('ss', 'shows in CLOSE_WAIT in the first table that has it, at whatever port', async () => {
    const { port, clients } = await keepHandles(2);
    const tables = new Tables();
    await tables.read();
    for (const client of clients) client.end();
    await until(
      async () => (await shown(port))['close_wait'] === 2,
      () => 'two rows in CLOSE_WAIT',
    );
    const column = await tables.read();
    expect(column.untrackedStates[STATES.find((state) => stateLabel(state) === 'close_wait') ?? 0]).toBe(2);
  });

  testWith('ss', 'is shown by the metric once it was taken off a socket that was observed', async () => {
    const monitor = createMonitor({ sampleIntervalMs: 3_600_000, onWarning: () => undefined });
    ends.push(() => monitor.close());
    const server = net.createServer();
    monitor.observeServer(server, { name: 'api' });
    const kept: Handle[] = [];
    server.on('connection', (socket) => {
      const owner = socket as unknown as { _handle: Handle | null };
      if (owner._handle !== null) kept.push(owner._handle);
      owner._handle = null;
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as net.AddressInfo;
    const client = net.connect({ port, host: '127.0.0.1' });
    ends.push(() => {
      for (const handle of kept) handle.close();
      client.destroy();
      server.close();
    });
    await once(client, 'connect');
    await until(
      () => kept.length === 1,
      () => 'the handle',
    );
    client.end();
    await until(
      async () => (await shown(port))['close_wait'] === 1,
      () => 'a row in CLOSE_WAIT',
    );
    expect(await monitor.sample()).toMatchObject({ ok: true });
    const closeWaits = measure(internalsOf(monitor), 'sockets').filter(
      ({ labels, value }) => labels.state === 'close_wait' && value > 0,
    );
    expect(closeWaits).toEqual([{ labels: { side: 'unknown', name: '_untracked', state: 'close_wait' }, value: 1 }]);
  });
});

describe('a neighbour that leaks', () => {
  testWith('ss', 'is not ours, and is looked for once', async () => {
    const neighbour = new Program([process.execPath, NEIGHBOUR, '2000'], {});
    ends.push(() => neighbour.end());
    const port = Number(await neighbour.says('stdout', /^port (\d+)/));
    await neighbour.says('stdout', /^(leaked)/m);
    const { stdout } = await promisify(execFile)('ss', ['-Htan', 'state', 'close-wait', `sport = :${port}`]);
    expect(stdout.trim().split('\n')).toHaveLength(2_000);
    const tables = new Tables();
    expect(states(await tables.read())).toEqual({});
    expect(tables.probes).toBeGreaterThan(0);
    // Other tests of this machine have CLOSE_WAITs as well, and a new one is looked for.
    let probes = 0;
    await until(
      async () => {
        probes = tables.probes;
        expect(states(await tables.read())).toEqual({});
        return tables.probes === probes;
      },
      () => `a table that asks for nothing, the last one asked ${tables.probes - probes} times`,
    );
  });
});
