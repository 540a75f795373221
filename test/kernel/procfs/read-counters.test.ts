import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CounterReader, type Counters } from '../../../src/kernel/procfs/read-counters.ts';
import { until } from '../../support/wait.ts';

const FIXTURE = fileURLToPath(new URL('../../fixtures/proc', import.meta.url));

describe('the counters', () => {
  it('of a namespace are read by their names', () => {
    const reader = new CounterReader({ procRoot: FIXTURE });
    expect(reader.read()).toEqual({
      inuse: 45,
      inuse6: 11,
      timeWait: 5,
      orphans: 7,
      allocated: 77,
      memoryPages: 991,
      currentEstablished: 33,
      activeOpens: 34,
      passiveOpens: 19,
      attemptFails: 0,
      establishedResets: 0,
      segmentsSent: 176,
      retransmittedSegments: 91,
      resetsSent: 0,
      listenOverflows: 20,
      listenDrops: 20,
      timeWaitCreated: 5,
      timeWaitReused: 0,
      timeWaitOverflows: 0,
      synRetransmits: 42,
      synCookiesSent: 0,
      synQueueFullCookies: 0,
      synQueueFullDrops: 0,
      lossProbes: 7,
      fastRetransmits: 0,
      retransmitTimeouts: 79,
      abortsOnData: 0,
      abortsOnClose: 0,
      abortsOnTimeout: 0,
      abortsOnMemory: 0,
      missing: [],
    });
    reader.close();
  });

  it('are unknown, and not 0, where a file is missing: gVisor has no sockstat', () => {
    const root = mkdtempSync(join(tmpdir(), 'finwait-counters-'));
    cpSync(FIXTURE, root, { recursive: true });
    rmSync(join(root, 'net/sockstat'));
    rmSync(join(root, 'net/sockstat6'));
    const reader = new CounterReader({ procRoot: root });
    expect(reader.read()).toMatchObject({
      inuse: undefined,
      inuse6: undefined,
      timeWait: undefined,
      currentEstablished: 33,
      missing: ['net/sockstat', 'net/sockstat6'],
    });
    // The file may come later: a mount that was late.
    cpSync(join(FIXTURE, 'net/sockstat'), join(root, 'net/sockstat'));
    expect(reader.read()).toMatchObject({ inuse: 45, missing: ['net/sockstat6'] });
    reader.close();
    rmSync(root, { recursive: true });
  });

  it('are all unknown without /proc, and after close()', () => {
    const absent = new CounterReader({ procRoot: '/nonexistent' });
    const closed = new CounterReader({ procRoot: FIXTURE });
    closed.close();
    for (const counters of [absent.read(), closed.read()]) {
      const { missing, ...values } = counters;
      expect(missing).toHaveLength(4);
      expect(Object.values(values).every((value) => value === undefined)).toBe(true);
    }
  });

  it.skipIf(process.platform !== 'linux')('of this machine move with a connection', async () => {
    const reader = new CounterReader();
    const before = reader.read();
    expect(before.missing).toEqual([]);
    let accepted: Socket | undefined;
    const server = createServer((socket) => {
      accepted = socket;
    }).listen(0, '127.0.0.1');
    await until(
      () => server.listening,
      () => 'the server listens',
    );
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await until(
      () => accepted !== undefined && !client.connecting,
      () => 'the connection is open',
    );
    const open = reader.read();
    expect(open.activeOpens).toBeGreaterThanOrEqual(counter(before, 'activeOpens') + 1);
    expect(open.passiveOpens).toBeGreaterThanOrEqual(counter(before, 'passiveOpens') + 1);
    client.end();
    accepted?.end();
    server.close();
    await until(
      () => counter(reader.read(), 'timeWaitCreated') > counter(before, 'timeWaitCreated'),
      () => 'a TIME_WAIT is counted',
    );
    reader.close();
  });
});

function counter(counters: Counters, name: Exclude<keyof Counters, 'missing'>): number {
  const value = counters[name];
  if (value === undefined) throw new Error(`the kernel does not say ${name}`);
  return value;
}
