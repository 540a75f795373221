// What tables may say of an orphan: one that is sound, one that is degraded, and one that failed. By a fake ss.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMonitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { TICKS_PER_MS } from '../../src/sockets/ledger.ts';
import { SocketRecord } from '../../src/sockets/record.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { STATE, STATE_SLOTS } from '../../src/tcp/state.ts';
import { tupleOf } from '../support/tuple.ts';

const [LOCAL, PEER] = ['10.9.0.1:5000', '10.9.0.2:5432'];
const OTHER = 'ESTAB 0 0 10.9.0.3:1 10.9.0.4:2 ino:1 sk:1 <->';
const ORPHAN = `FIN-WAIT-1 0 1 ${LOCAL} ${PEER} timer:(on,50sec,9) ino:0 sk:77 <->`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finwait-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(process.platform !== 'linux')('an orphan', () => {
  test('stays ours until a table that is complete and sound does not show it', async () => {
    const path = join(folder, 'ss');
    const say = (script: string): void => writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    say(`echo '${OTHER}'; echo '${ORPHAN}'`);
    const monitor = createMonitor({
      ssPath: path,
      procPath: '/nonexistent',
      sampleIntervalMs: 3_600_000,
      sampleTimeoutMs: 5_000,
      onWarning: () => undefined,
    });
    try {
      const { ledger, collector } = internalsOf(monitor);
      const at = Math.floor(performance.now() * TICKS_PER_MS);
      const record = new SocketRecord({}, 0, at);
      ledger.assign(record, 'client', 'db', true, at);
      ledger.add(record);
      ledger.apply(record, EVENT.adopt, at);
      ledger.open(record, at);
      ledger.setTuple(record, tupleOf(LOCAL, PEER));
      ledger.apply(record, EVENT.close, at);
      ledger.close(record, at);

      expect(await monitor.sample()).toMatchObject({ ok: true, degraded: [] });
      expect(collector.column?.ownStates[record.slot * STATE_SLOTS + STATE.FIN_WAIT_1]).toBe(1);
      expect(ledger.orphans.size).toBe(1);
      say(`echo '${OTHER}'; echo 'something is wrong' >&2`);
      expect(await monitor.sample()).toMatchObject({ ok: true, degraded: ['stderr'] });
      expect(ledger.orphans.size).toBe(1);
      say(`echo '${OTHER}'; exit 255`);
      expect(await monitor.sample()).toMatchObject({ ok: false });
      expect(ledger.orphans.size).toBe(1);
      say(`echo '${OTHER}'`);
      // ss has failed once and is passed over until then.
      expect(await monitor.sample()).toMatchObject({ ok: true, degraded: [] });
      expect(ledger.orphans.size).toBe(0);
    } finally {
      monitor.close();
    }
  });
});
