// A monitor and an ss with one fault: what is counted, who serves instead, and that the next good ss serves again.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMonitor, type Monitor } from 'finwait';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { type FakeFault, FakeFolder, QUICK_FAULTS, ROW, SLOW_FAULTS } from '../support/fake-ss.ts';
import { processText } from '../support/processes.ts';
import { until } from '../support/wait.ts';

/** A procfs of a namespace with 62 sockets. */
const PROC = fileURLToPath(new URL('../fixtures/proc', import.meta.url));
const GOOD = `echo '${ROW}'`;

let fakes: FakeFolder;
let monitor: Monitor;
const warnings: string[] = [];
/** What nobody caught. */
const strays: unknown[] = [];
const stray = (error: unknown): number => strays.push(error);

beforeAll(() => {
  fakes = new FakeFolder();
  process.on('unhandledRejection', stray);
});

beforeEach(() => {
  warnings.length = 0;
});

afterEach(async () => {
  monitor.close();
  expect(new Set(warnings).size).toBe(warnings.length);
  expect(strays).toEqual([]);
  await until(
    () => fakes.running().length === 0,
    () => processText(fakes.running()),
  );
});

afterAll(() => {
  process.off('unhandledRejection', stray);
  fakes.remove();
});

describe.skipIf(process.platform !== 'linux')('an ss that', () => {
  test.each([...QUICK_FAULTS, ...SLOW_FAULTS].filter(({ expected }) => expected['ok'] === false))(
    '$name: is counted by its reason, procfs serves in the same sample, and a good ss in the next',
    async (fault) => {
      const path = create(fault);
      const server = fault.options?.expectedRows === undefined ? undefined : await listening();
      const { reason } = fault.expected;
      expect(await monitor.sample()).toMatchObject({ ok: true, source: 'procfs', rows: 62, degraded: [] });
      expect(errors()).toEqual({ [`ss ${reason}`]: 1 });
      expect(active()).toEqual({ ss: 0, procfs: 1 });
      expect(up()).toBe(1);
      // Again: counted again, and not warned of again.
      expect(await monitor.sample()).toMatchObject({ ok: true, source: 'procfs' });
      expect(errors()).toEqual({ [`ss ${reason}`]: 2 });
      expect(warnings.filter(isOfTable)).toEqual([expect.stringContaining(`by ss: ${reason} (`)]);
      expect(warnings.find(isOfTable)).toMatch(/\); procfs serves instead$/);
      fakes.replace(path, GOOD);
      // It failed twice running, so it is passed over once.
      await monitor.sample();
      expect(await monitor.sample()).toMatchObject({ ok: true, source: 'ss', rows: 1 });
      expect(active()).toEqual({ ss: 1, procfs: 0 });
      expect(warnings.filter(isOfTable)).toHaveLength(1);
      server?.close();
    },
  );

  test.each([...QUICK_FAULTS, ...SLOW_FAULTS].filter(({ expected }) => expected['ok'] === true))(
    '$name: is believed, and what is odd about it is counted',
    async (fault) => {
      create(fault, '/nonexistent');
      const degraded = fault.expected['degraded'] as { readonly reason: string } | undefined;
      const reasons = degraded === undefined ? [] : [degraded.reason];
      const sample = await monitor.sample();
      expect(sample).toMatchObject({ ok: true, source: 'ss', degraded: reasons });
      expect(errors()).toEqual(Object.fromEntries(reasons.map((reason) => [`ss ${reason}`, 1])));
      expect(warnings).toEqual([]);
    },
  );

  test.each([undefined, 0o644])(
    'is missing, or not executable (%s): procfs serves, and a good one is found at once',
    async (mode) => {
      const path = create({ script: GOOD, ...(mode === undefined ? {} : { mode }) });
      if (mode === undefined) rmSync(path);
      const reason = mode === undefined ? 'enoent' : 'eacces';
      expect(await monitor.sample()).toMatchObject({ ok: true, source: 'procfs', rows: 62 });
      expect(errors()).toEqual({ [`ss ${reason}`]: 1 });
      fakes.replace(path, GOOD);
      expect(await monitor.sample()).toMatchObject({ ok: true, source: 'ss' });
    },
  );

  test('fails where there is no procfs either: both reasons are counted, the old table ages, nothing repeats', async () => {
    const path = create({ script: GOOD }, '/nonexistent');
    expect(await monitor.sample()).toMatchObject({ ok: true, source: 'ss' });
    fakes.replace(path, 'exit 255');
    for (let sample = 1; sample <= 4; sample++) {
      expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'unsupported_option' });
      // With nobody to serve instead it is asked every time.
      expect(errors()).toEqual({ 'ss unsupported_option': sample, 'procfs procfs_missing': sample });
    }
    expect(monitor.snapshot().table).toMatchObject({ rows: 1 });
    expect(warnings).toHaveLength(2);
  });
});

describe.skipIf(process.platform !== 'linux')('rows that ss prints twice', () => {
  test('are counted once where they are ours, and the table is called incomplete', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const path = create({ script: GOOD }, '/nonexistent');
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connected(port)));
    for (const socket of sockets) monitor.observeSocket(socket, { name: 'up' });
    const row = (socket: net.Socket): string =>
      `ESTAB 0 0 127.0.0.1:${socket.localPort} 127.0.0.1:${port} ino:9 sk:${socket.localPort} <->`;
    // As a chain of the kernel's hash table is handed out again.
    const lines = [...sockets, ...sockets.slice(1)].map(row);
    fakes.replace(path, `cat <<'END'\n${lines.join('\n')}\nEND`);
    expect(await monitor.sample()).toMatchObject({ ok: true, source: 'ss', rows: 9, degraded: ['duplicates'] });
    expect(errors()).toEqual({ 'ss duplicates': 1 });
    expect(gauge('sockets', 'established')).toBe(5);
    // Of strangers' rows only state and ports are read: the namespace is shown as ss shows it.
    expect(gauge('netns_sockets', 'established')).toBe(9);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('so far apart that nobody remembers the first are contradicted by the counters of the kernel', async () => {
    const proc = mkdtempSync(join(tmpdir(), 'finwait-proc-'));
    mkdirSync(join(proc, 'net'));
    writeFileSync(join(proc, 'net/sockstat'), 'TCP: inuse 3000 orphan 0 tw 0 alloc 3000 mem 0\n');
    writeFileSync(join(proc, 'net/sockstat6'), 'TCP6: inuse 0\n');
    writeFileSync(join(proc, 'net/snmp'), 'Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 1500 1500 3000\n');
    const rows = Array.from({ length: 3_000 }, (_, index) => ROW.replace(':1 ', `:${1_000 + index} `)).join('\n');
    const path = create({ script: `cat <<'END'\n${rows}\nEND` }, proc);
    expect(await monitor.sample()).toMatchObject({ source: 'ss', rows: 3_000, degraded: [] });
    fakes.replace(path, `cat <<'END'\n${rows}\n${rows}\nEND`);
    expect(await monitor.sample()).toMatchObject({ source: 'ss', degraded: expect.arrayContaining(['inconsistent']) });
    rmSync(proc, { recursive: true });
  });
});

/**
 * On a busy machine what a flood leaves may outlive SIGTERM, and then the helper is given up, which is said too, once.
 */
function isOfTable(warning: string): boolean {
  return !warning.includes('its helper failed: the helper that runs ss: ');
}

/** A monitor whose ss has this fault. Returns the path of ss. */
function create({ script, mode, expected }: Partial<FakeFault> & { script: string }, procPath = PROC): string {
  const path = fakes.write(script, mode);
  monitor = createMonitor({
    ssPath: path,
    procPath,
    sampleIntervalMs: 3_600_000,
    // As long as it takes where an ss is to end by itself. procfs has as long.
    sampleTimeoutMs: expected?.['reason'] === 'timeout' ? 500 : 15_000,
    onWarning: (warning) => warnings.push(warning.message),
  });
  return path;
}

async function listening(): Promise<net.Server> {
  const server = net.createServer();
  monitor.observeServer(server, { name: 'api' });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function connected(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject);
  });
}

function up(): number | undefined {
  return measure(internalsOf(monitor), 'collector_up')[0]?.value;
}

function active(): object {
  const points = measure(internalsOf(monitor), 'collector_active');
  return Object.fromEntries(points.map(({ labels, value }) => [labels['source'], value]));
}

function errors(): Readonly<Record<string, number>> {
  const points = measure(internalsOf(monitor), 'collector_errors_total').filter(({ value }) => value > 0);
  return Object.fromEntries(points.map(({ labels, value }) => [`${labels['source']} ${labels['reason']}`, value]));
}

function gauge(name: 'sockets' | 'netns_sockets', state: string): number {
  return measure(internalsOf(monitor), name)
    .filter(({ labels }) => labels['state'] === state)
    .reduce((sum, { value }) => sum + value, 0);
}
