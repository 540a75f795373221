// The collector against a fake ss: what it believes, what it costs, and what close() leaves behind.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { until } from '../support/wait.ts';

/** A procfs of a namespace with 62 sockets. */
const PROC = fileURLToPath(new URL('../fixtures/proc', import.meta.url));
const GOOD = 'echo "LISTEN 0 511 127.0.0.1:1 0.0.0.0:* ino:1 sk:1 <->"';

describe.skipIf(process.platform !== 'linux')('the collector', () => {
  let folder: string;
  let monitor: Monitor;
  const warnings: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'finwait-'));
    warnings.length = 0;
  });

  afterEach(() => {
    monitor.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function say(script: string): string {
    const path = join(folder, 'ss');
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  }

  function create(script: string, procPath = '/nonexistent'): void {
    monitor = createMonitor({
      ssPath: say(script),
      procPath,
      sampleIntervalMs: 3_600_000,
      sampleTimeoutMs: 5_000,
      onWarning: (warning) => warnings.push(warning.message),
    });
  }

  function up(): number | undefined {
    return measure(internalsOf(monitor), 'collector_up')[0]?.value;
  }

  function active(): object {
    const points = measure(internalsOf(monitor), 'collector_active');
    return Object.fromEntries(points.map(({ labels, value }) => [labels['source'], value]));
  }

  function errors(): object {
    const points = measure(internalsOf(monitor), 'collector_errors_total').filter(({ value }) => value > 0);
    return Object.fromEntries(points.map(({ labels, value }) => [`${labels['source']} ${labels['reason']}`, value]));
  }

  test('counts a failure by its reason, warns of it once, and recovers with the next sample', async () => {
    create('exit 255');
    expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'unsupported_option' });
    expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'unsupported_option' });
    expect(up()).toBe(0);
    say(GOOD);
    expect(await monitor.sample()).toMatchObject({ ok: true, rows: 1 });
    expect(up()).toBe(1);
    expect(errors()).toEqual({ 'ss unsupported_option': 2, 'procfs procfs_missing': 2 });
    expect(warnings).toEqual([
      expect.stringMatching(/by ss: unsupported_option \(.*\); there is no other source$/),
      expect.stringMatching(/by procfs: procfs_missing \(.*\); there is no other source$/),
    ]);
  });

  test('reads procfs in the same sample where ss fails, and says so', async () => {
    create('exit 255', PROC);
    const { ok, ...facts } = await monitor.sample();
    expect({ ok, ...facts }).toMatchObject({ ok: true, source: 'procfs', rows: 62, degraded: [] });
    expect(active()).toEqual({ ss: 0, procfs: 1 });
    expect(warnings).toEqual([expect.stringMatching(/by ss: unsupported_option \(.*\); procfs serves instead$/)]);
  });

  test('asks an ss that fails again and again less often, and believes it at once', async () => {
    const runs = join(folder, 'runs');
    create(`echo x >> ${runs}; exit 255`, PROC);
    for (let sample = 0; sample < 14; sample++) await monitor.sample();
    // The 1st and 2nd; then it is passed over once, and 3 and 7 times.
    expect(readFileSync(runs, 'utf8').split('\n')).toHaveLength(1 + 4);
    say(GOOD);
    for (let sample = 0; sample < 3; sample++) await monitor.sample();
    expect(active()).toEqual({ ss: 1, procfs: 0 });
    expect(await monitor.sample()).toMatchObject({ source: 'ss' });
  });

  test('an ss that hangs costs time and no core: procfs serves at the next interval, not minutes later', async () => {
    monitor = createMonitor({
      ssPath: say('exec sleep 60'),
      procPath: PROC,
      sampleIntervalMs: 100,
      sampleTimeoutMs: 100,
      onWarning: (warning) => warnings.push(warning.message),
    });
    const { durations } = internalsOf(monitor).collector;
    await until(
      () => durations.count >= 4,
      () => `4 samples, and not ${durations.count}`,
    );
    expect(active()).toEqual({ ss: 0, procfs: 1 });
  });

  test('asks for tcp_info where ss gave the table, and not where procfs did', async () => {
    const runs = join(folder, 'runs');
    const path = say(`case $1 in -Htni) echo x >> ${runs} ;; *) ${GOOD} ;; esac`);
    monitor = createMonitor({
      ssPath: path,
      procPath: PROC,
      sampleIntervalMs: 3_600_000,
      sampleTcpInfo: true,
      onWarning: (warning) => warnings.push(warning.message),
    });
    const server = net.createServer();
    monitor.observeServer(server, { name: 'api' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    monitor.observeSocket(socket, { name: 'up' });
    await new Promise((resolve) => socket.once('connect', resolve));
    expect(await monitor.sample()).toMatchObject({ source: 'ss' });
    expect(readFileSync(runs, 'utf8')).toBe('x\n');
    expect(measure(internalsOf(monitor), 'retransmitting_sockets')).not.toEqual([]);
    say('exit 255');
    expect(await monitor.sample()).toMatchObject({ source: 'procfs' });
    expect(readFileSync(runs, 'utf8')).toBe('x\n');
    // What an older ss -i said is not about this table.
    expect(measure(internalsOf(monitor), 'retransmitting_sockets')).toEqual([]);
    socket.destroy();
    server.close();
  });

  test('a table that the counters of the kernel contradict is shown, and counted as inconsistent', async () => {
    create(GOOD, PROC);
    expect(await monitor.sample()).toMatchObject({ ok: true, source: 'ss', degraded: ['inconsistent'] });
    expect(errors()).toEqual({ 'ss inconsistent': 1 });
    expect(up()).toBe(1);
    expect(warnings).toEqual([]);
  });

  test('has the counters of the kernel even where no source gives a table', async () => {
    const tables = join(folder, 'proc');
    mkdirSync(join(tables, 'net'), { recursive: true });
    for (const name of ['sockstat', 'sockstat6', 'snmp', 'netstat']) {
      copyFileSync(join(PROC, 'net', name), join(tables, 'net', name));
    }
    create('exit 255', tables);
    expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'unsupported_option' });
    expect(internalsOf(monitor).collector.counters).toMatchObject({ currentEstablished: 33, timeWait: 5 });
  });

  test('a sample that fails clears nothing: the last complete table stays, with its age', async () => {
    create(GOOD);
    await monitor.sample();
    say('echo garbage');
    expect(await monitor.sample()).toMatchObject({ ok: false });
    expect(monitor.snapshot().table).toMatchObject({ rows: 1, states: { listen: 1 } });
  });

  test('an empty table is not believed while we are listening ourselves', async () => {
    create('exit 0');
    const server = net.createServer();
    monitor.observeServer(server, { name: 'api' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'empty_suspect' });
    expect(measure(internalsOf(monitor), 'sockets')).toEqual([]);
    server.close();
  });

  test('close() ends an ss that is running, and its sample', async () => {
    const pid = join(folder, 'pid');
    create(`echo $$ > ${pid}; exec sleep 60`);
    const sample = monitor.sample();
    await until(
      () => existsSync(pid) && readFileSync(pid, 'utf8').trim() !== '',
      () => 'ss runs',
    );
    monitor.close();
    expect(await sample).toMatchObject({ ok: false, reason: 'closed' });
    const running = Number(readFileSync(pid, 'utf8'));
    await until(
      () => !existsSync(`/proc/${running}`),
      () => 'ss is gone',
    );
    expect(warnings).toEqual([]);
  });
});
