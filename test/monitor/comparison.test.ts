import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { compare, createMonitor, type Mark, type Monitor } from 'finwait';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leakReport } from '../detect/leaks/facts.ts';
import { counts, nameSnapshot, snapshotOf } from '../support/snapshots.ts';
import { testWith } from '../support/tools.ts';

const NAMESPACE = {
  listenOverflows: 10,
  listenDrops: 12,
  synRetransmits: 0,
  retransmittedSegments: 5,
  resetsSent: 7,
  timeWaitCreated: undefined,
};

function markOf(label: string, atMs: number, given: Partial<Mark> = {}): Mark {
  return { label, atMs, snapshot: snapshotOf(), leaks: leakReport([]), namespace: NAMESPACE, ...given };
}

describe('two marks', () => {
  test('say what was opened, closed, reset and asked for in between, by name', () => {
    const before = markOf('before', 1_000, {
      snapshot: snapshotOf({ names: [nameSnapshot({ opened: 5, closed: 3, requests: 40, resetsSent: 1 })] }),
    });
    const after = markOf('after', 4_000, {
      snapshot: snapshotOf({
        names: [
          nameSnapshot({ opened: 15, closed: 15, requests: 540, resetsSent: 3, resetsReceived: 2 }),
          nameSnapshot({ name: 'new', opened: 0, requests: 0 }),
        ],
      }),
    });
    expect(compare(before, after)).toMatchObject({
      from: 'before',
      to: 'after',
      durationMs: 3_000,
      names: [
        {
          name: 'api',
          opened: 10,
          closed: 12,
          requests: 500,
          requestsPerConnection: 50,
          resetsSent: 2,
          resetsReceived: 2,
        },
        { name: 'new', opened: 0, requests: 0, requestsPerConnection: undefined, connectFailures: 0 },
      ],
      left: [],
    });
  });

  test('show what is left, TIME_WAIT and listeners apart, and not what was there before', () => {
    const before = markOf('before', 0, {
      snapshot: snapshotOf({ names: [nameSnapshot({ kernel: counts({ established: 2, listen: 1 }) })] }),
    });
    const kernel = counts({ established: 3, close_wait: 4, time_wait: 900, listen: 2 });
    const after = markOf('after', 1, { snapshot: snapshotOf({ names: [nameSnapshot({ kernel })] }) });
    expect(compare(before, after).left).toEqual([
      { side: 'server', name: 'api', state: 'established', sockets: 1 },
      { side: 'server', name: 'api', state: 'close_wait', sockets: 4 },
    ]);
  });

  test('are compared by Node’s column where one of them has no table', () => {
    const before = markOf('before', 0, { snapshot: snapshotOf({ kernel: undefined }) });
    const node = counts({ established: 1 });
    const names = [nameSnapshot({ node, kernel: counts({ established: 9 }) })];
    expect(compare(before, markOf('after', 1, { snapshot: snapshotOf({ names }) })).left).toMatchObject([
      { sockets: 1 },
    ]);
  });

  test('have the kernel’s counters as far as it says them', () => {
    const namespace = { ...NAMESPACE, listenOverflows: 25, timeWaitCreated: 3 };
    expect(compare(markOf('before', 0), markOf('after', 1, { namespace })).namespace).toEqual({
      listenOverflows: 15,
      listenDrops: 0,
      synRetransmits: 0,
      retransmittedSegments: 0,
      resetsSent: 0,
      timeWaitCreated: undefined,
    });
  });

  test('the wrong way round are refused', () => {
    expect(() => compare(markOf('one', 2), markOf('two', 1))).toThrow("compare: 'two' is earlier than 'one'");
  });
});

describe('a mark', () => {
  let monitor: Monitor;
  beforeEach(() => {
    monitor = createMonitor({ sampleIntervalMs: 3_600_000 });
  });
  afterEach(() => monitor.close());

  test.each(['', 'x'.repeat(65), undefined, 5])('%s is no label', async (label) => {
    await expect(monitor.mark(label as string)).rejects.toThrow('mark takes a label of 1 to 64 characters');
  });

  testWith('ss', 'is of a table that was begun after it was asked for, and shows what was left', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.resume());
    monitor.observeServer(server, { name: 'api' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const before = await monitor.mark('before');
    void monitor.sample();
    const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    client.end();
    await once(accepted, 'end');
    const after = await monitor.mark('after');
    expect(compare(before, after)).toMatchObject({
      names: [{ name: 'api', opened: 1, closed: 0 }],
      left: [{ side: 'server', name: 'api', state: 'close_wait', sockets: 1 }],
    });
    client.destroy();
    accepted.destroy();
    server.close();
  });

  test('cannot be made once the monitor is closed', async () => {
    monitor.close();
    await expect(monitor.mark('late')).rejects.toThrow('mark: this monitor is closed');
  });
});
