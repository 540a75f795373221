// The collector against a fake ss: what it believes, what it costs, and what close() leaves behind.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMonitor, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { measure } from '../../src/metrics/measure.ts';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { until } from '../support/wait.ts';

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

  function create(script: string): void {
    monitor = createMonitor({
      ssPath: say(script),
      sampleIntervalMs: 3_600_000,
      sampleTimeoutMs: 5_000,
      onWarning: (warning) => warnings.push(warning.message),
    });
  }

  function up(): number | undefined {
    return measure(internalsOf(monitor), 'collector_up')[0]?.value;
  }

  test('counts a failure by its reason, warns of it once, and recovers with the next sample', async () => {
    create('exit 255');
    expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'unsupported_option' });
    expect(await monitor.sample()).toMatchObject({ ok: false, reason: 'unsupported_option' });
    expect(up()).toBe(0);
    say(GOOD);
    expect(await monitor.sample()).toMatchObject({ ok: true, rows: 1 });
    expect(up()).toBe(1);
    expect(internalsOf(monitor).collector.errors.get('ss unsupported_option')).toBe(2);
    expect(warnings).toHaveLength(1);
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
