import { describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../src/monitor/snapshot.ts';
import { Join, type KernelColumn } from '../../src/sockets/join.ts';
import { Ledger, newListener } from '../../src/sockets/ledger.ts';
import { PortForecast } from '../../src/sockets/port-forecast.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';
import { EVENT, type TcpEvent } from '../../src/tcp/event.ts';
import { STATE, STATE_LABELS, type StateName } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

/** Ticks of the ledger's clock in a millisecond. */
const TICKS = 10;
const PORT_SETTINGS = {
  localPortRange: { from: 40_000, to: 40_999 },
  reservedPorts: [],
  timeWaitReuse: 0,
  maxTimeWaits: 262_144,
};
const NONE = Object.fromEntries(STATE_LABELS.map((label) => [label, 0]));

interface Facts {
  readonly name?: string;
  readonly local?: string;
  readonly peer?: string;
  readonly at?: number;
  readonly flags?: number;
  readonly events?: readonly TcpEvent[];
}

function open(ledger: Ledger, facts: Facts = {}): SocketRecord {
  const at = facts.at ?? 0;
  const record = new SocketRecord({}, FLAG.server | (facts.flags ?? 0), at);
  ledger.assign(record, 'server', facts.name ?? 'api', true, at);
  ledger.add(record);
  ledger.apply(record, EVENT.accept, at);
  ledger.open(record, at);
  if (facts.peer !== undefined) ledger.setTuple(record, tupleOf(facts.local ?? '10.0.0.1:80', facts.peer));
  for (const event of facts.events ?? []) ledger.apply(record, event, at);
  return record;
}

function table(ledger: Ledger, startedAtMs: number, ...rows: [StateName, string, string][]): KernelColumn {
  const join = new Join(ledger, startedAtMs);
  for (const [state, local, peer] of rows) {
    const row: KernelRow = {
      state: STATE[state],
      tuple: tupleOf(local, peer),
      receiveQueue: 0,
      sendQueue: 0,
      inode: 0,
      cookie: 0,
      timer: 'none',
      timerMs: Number.NaN,
      retransmits: 0,
    };
    offer(join, row);
  }
  return join.finish(startedAtMs + 50);
}

describe('a snapshot', () => {
  it('of nothing has all 11 states at zero, and no kernel column', () => {
    const snapshot = takeSnapshot(new Ledger(20), undefined, 0);
    expect(snapshot).toMatchObject({ table: undefined, kernel: undefined, names: [], sockets: [], socketsOmitted: 0 });
    expect(snapshot.node).toEqual(NONE);
    expect(Object.keys(snapshot.node)).toHaveLength(11);
    expect(new Date(snapshot.takenAt).toISOString()).toBe(snapshot.takenAt);
  });

  it('is plain frozen data, down to the last list', () => {
    const ledger = new Ledger(20);
    const record = open(ledger, { peer: '10.0.0.2:5000' });
    ledger.apply(record, EVENT.listening, 0);
    const snapshot = takeSnapshot(ledger, table(ledger, 10, ['ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000']), 1_000);
    expect(structuredClone(snapshot)).toEqual(snapshot);
    const thaw = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(thaw));
    expect(thaw(snapshot)).toBe(false);
  });

  it('has both columns of each name, and their sums', () => {
    const ledger = new Ledger(20);
    open(ledger, { name: 'a', peer: '10.0.0.2:5000' });
    open(ledger, { name: 'a', peer: '10.0.0.2:5001', events: [EVENT.eof] });
    open(ledger, { name: 'b', peer: '10.0.0.2:5002' });
    const column = table(
      ledger,
      10,
      ['ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000'],
      ['CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5001'],
      ['CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5002'],
      ['TIME_WAIT', '10.9.9.9:80', '10.9.9.8:5000'],
    );
    const snapshot = takeSnapshot(ledger, column, 1_000);
    expect(snapshot.names).toMatchObject([
      { side: 'server', name: 'a', node: { established: 1, close_wait: 1 }, kernel: { established: 1, close_wait: 1 } },
      { side: 'server', name: 'b', node: { established: 1, close_wait: 0 }, kernel: { established: 0, close_wait: 1 } },
    ]);
    expect(snapshot.node).toEqual({ ...NONE, established: 2, close_wait: 1 });
    expect(snapshot.kernel).toEqual({ ...NONE, established: 1, close_wait: 2 });
    expect(snapshot.table).toEqual({
      ageMs: 40,
      rows: 4,
      states: { ...NONE, established: 1, close_wait: 2, time_wait: 1 },
    });
  });

  it('has the accept queue of a name that listens, its limit where the source tells it', () => {
    const ledger = new Ledger(20);
    open(ledger);
    const column = table(ledger, 10);
    const acceptQueue = (connections: number, limit: number): unknown => {
      const shown = { ...column, acceptQueues: column.acceptQueues.slice(), acceptLimits: column.acceptLimits.slice() };
      shown.acceptQueues[2] = connections;
      shown.acceptLimits[2] = limit;
      return takeSnapshot(ledger, shown, 1_000).names[0]?.acceptQueue;
    };
    expect(acceptQueue(Number.NaN, Number.NaN)).toBeUndefined();
    expect(acceptQueue(0, 511)).toEqual({ connections: 0, limit: 511 });
    expect(acceptQueue(3, Number.NaN)).toEqual({ connections: 3, limit: undefined });
  });

  it('balances: opened + adopted = closed + released + open', () => {
    const ledger = new Ledger(20);
    ledger.close(open(ledger), 5);
    ledger.abandon(open(ledger), 5);
    ledger.release(open(ledger, { flags: FLAG.adopted }), 5);
    open(ledger);
    expect(takeSnapshot(ledger, undefined, 10).names).toMatchObject([
      { opened: 3, adopted: 1, closed: 2, released: 1, open: 1 },
    ]);
  });

  it('names the events that a state did not allow', () => {
    const ledger = new Ledger(20);
    const record = open(ledger);
    ledger.apply(record, EVENT.connect, 5);
    const [illegal] = takeSnapshot(ledger, undefined, 10).illegal;
    expect(illegal).toMatchObject({ from: 'established', event: 'connect', count: 1 });
    expect(illegal?.legal).toContain('finish');
    expect(illegal?.legal).not.toContain('connect');
  });

  it('never makes a table younger than it is, nor older than now', () => {
    const ledger = new Ledger(20);
    expect(takeSnapshot(ledger, table(ledger, 100), 100 * TICKS).table?.ageMs).toBe(0);
    expect(takeSnapshot(ledger, table(ledger, 100), 1_150 * TICKS).table?.ageMs).toBe(1_000);
  });
});

describe('an upstream in a snapshot', () => {
  const PEER = '10.0.0.9:80';

  function connect(ledger: Ledger, local: string, at: number = 0): SocketRecord {
    const record = new SocketRecord({}, 0, at);
    ledger.assign(record, 'client', 'billing', true, at);
    ledger.upstreams.name(ledger.rememberUpstream(tupleOf(local, PEER)), record.slot);
    ledger.add(record);
    ledger.beginConnect(record, at);
    ledger.countConnect(record);
    ledger.apply(record, EVENT.attempt, at);
    ledger.apply(record, EVENT.connect, at);
    ledger.open(record, at);
    ledger.endConnect(record, undefined);
    ledger.setTuple(record, tupleOf(local, PEER));
    return record;
  }

  it('of nothing known has only what the books begin with', () => {
    const ledger = new Ledger(20);
    const { slot } = connect(ledger, '10.0.0.1:40000');
    expect(slot).toBe(2);
    open(ledger);
    const { upstreams, verdicts } = takeSnapshot(ledger, undefined, 0);
    expect(upstreams).toEqual([
      {
        name: 'billing',
        open: 1,
        opened: 1,
        closed: 0,
        closedLocally: 0,
        timeWait: undefined,
        churn: {
          openedPerSecond: 0,
          closedLocallyPerSecond: 0,
          requestsPerSecond: 0,
          portExhaustions: 0,
          windowMs: 0,
        },
        requests: 0,
        reuseShare: undefined,
        connects: {
          started: 1,
          succeeded: 1,
          pending: 0,
          failed: {
            refused: 0,
            reset: 0,
            timeout: 0,
            unreachable: 0,
            resolution: 0,
            port_exhausted: 0,
            fd_exhausted: 0,
            tls: 0,
            aborted: 0,
            other: 0,
          },
        },
        ports: { used: undefined, limit: undefined, exhaustionMs: undefined, isBound: false },
        keepAliveSeconds: undefined,
        idleCloses: { keep_alive_timeout: 0, local: 0, remote: 0 },
        race: undefined,
        pool: undefined,
      },
    ]);
    expect(verdicts).toEqual([]);
  });

  it('has its TIME_WAITs, its closes, its churn, its ports and its pool', () => {
    const ledger = new Ledger(20);
    const forecast = new PortForecast(ledger, 0);
    const at = 2_000 * TICKS;
    const [kept, ...rest] = Array.from({ length: 10 }, (_, index) => connect(ledger, `10.0.0.1:4000${index}`, at));
    for (let count = 0; count < 40; count++) ledger.countRequest(kept as SocketRecord);
    for (const record of rest) {
      ledger.apply(record, EVENT.finish, at);
      record.flags |= FLAG.firstFinLocal;
      ledger.close(record, at);
    }
    const join = new Join(ledger, 4_000, PORT_SETTINGS);
    offer(join, rowOf('ESTABLISHED', '10.0.0.1:40000', PEER, { inode: 7 }));
    for (let index = 1; index < 10; index++) offer(join, rowOf('TIME_WAIT', `10.0.0.1:4000${index}`, PEER));
    const column = join.finish(4_050);
    forecast.update(column, PORT_SETTINGS, 4_050);
    const each = (value: number): Float64Array => new Float64Array(ledger.names.capacity).fill(value);
    const pools = { active: each(1), idle: each(2), pending: each(3) };
    const { upstreams } = takeSnapshot(ledger, column, 5_000 * TICKS, { forecast, pools, settings: PORT_SETTINGS });
    expect(upstreams).toMatchObject([
      {
        open: 1,
        opened: 10,
        closed: 9,
        closedLocally: 9,
        timeWait: 9,
        churn: { openedPerSecond: 2, closedLocallyPerSecond: 1.8, requestsPerSecond: 8, windowMs: 5_000 },
        requests: 40,
        reuseShare: 0.75,
        ports: { used: 10, limit: 1_000, exhaustionMs: undefined, isBound: false },
        pool: { active: 1, idle: 2, pending: 3 },
      },
    ]);
  });

  it('has the keep-alive race, the announced timeout, and the verdict on both', () => {
    const ledger = new Ledger(20);
    const { slot } = connect(ledger, '10.0.0.1:40000');
    const use = { active: true, responded: false, requests: 2, timedOut: false, last: false };
    ledger.requests.keepAliveSeconds[slot] = 5;
    ledger.requests.close(slot, true, 'remote', { ...use, idleMs: 4_900.4 }, 1_000);
    ledger.requests.close(slot, true, 'remote', { ...use, idleMs: 5_100 }, 2_000);
    const { upstreams, verdicts } = takeSnapshot(ledger, undefined, 3_000 * TICKS);
    expect(upstreams[0]).toMatchObject({
      keepAliveSeconds: 5,
      race: { count: 2, ageMs: 1_000, idleMs: 5_100, shortestIdleMs: 4_900 },
    });
    expect(verdicts).toMatchObject([{ kind: 'keep_alive_race', name: 'billing', evidence: { idleMs: 5_100 } }]);
    ledger.requests.close(slot, true, 'remote', { ...use, idleMs: Number.NaN }, 2_000);
    expect(takeSnapshot(ledger, undefined, 3_000 * TICKS).upstreams[0]?.race?.idleMs).toBeUndefined();
  });

  it('is bound where the program binds', () => {
    const ledger = new Ledger(20);
    const { slot } = connect(ledger, '10.0.0.1:40000');
    ledger.upstreams.nameBound(0, slot, tupleOf('10.0.0.1:40000', PEER));
    const { upstreams, verdicts } = takeSnapshot(ledger, undefined, 0);
    expect(upstreams[0]?.ports.isBound).toBe(true);
    expect(verdicts).toMatchObject([{ kind: 'local_address_set', severity: 'info' }]);
  });
});

describe('a server in a snapshot', () => {
  it('whose idle connections time out has the verdict on what is in front of it', () => {
    const ledger = new Ledger(20);
    const server = { keepAliveTimeout: 5_000 };
    const listener = newListener(server, 80, 1, 0);
    ledger.assign(listener, 'server', 'api', true, 0);
    ledger.addListener(listener);
    const use = { active: false, responded: true, requests: 1, idleMs: 6_000, timedOut: true, last: false };
    for (let count = 0; count < 10; count++) ledger.requests.close(listener.slot, false, 'local', use, 0);
    for (let count = 0; count < 1_000; count++) ledger.requests.add(listener.slot);
    expect(takeSnapshot(ledger, undefined, 0).verdicts).toMatchObject([
      { kind: 'late_requests', name: 'api', side: 'server', evidence: { idleTimeouts: 10, keepAliveSeconds: 5 } },
    ]);
    server.keepAliveTimeout = 65_000;
    expect(takeSnapshot(ledger, undefined, 0).verdicts).toEqual([]);
  });
});

describe('a socket in a snapshot', () => {
  it('has its endpoints, its ages, its bytes and its last request', () => {
    const ledger = new Ledger(20);
    const record = open(ledger, { peer: '[2001:db8::2]:5000', local: '[::]:80', at: 1_000 * TICKS });
    ledger.apply(record, EVENT.eof, 3_000 * TICKS);
    ledger.countBytes(record, 10, 20);
    record.request = 'GET /users/:id';
    const [socket] = takeSnapshot(ledger, undefined, 7_000 * TICKS).sockets;
    expect(socket).toEqual({
      side: 'server',
      name: 'api',
      local: '[::]:80',
      peer: '[2001:db8::2]:5000',
      node: { state: 'close_wait', certainty: 'inferred', alternatives: ['closed'] },
      nodeStateAgeMs: 4_000,
      nodeStateObservedMs: 4_000,
      kernel: undefined,
      state: 'close_wait',
      ageMs: 6_000,
      bytesReceived: 10,
      bytesSent: 20,
      queued: { nodeRead: 0, nodeWrite: 0, kernelReceive: undefined, kernelSend: undefined },
      inode: undefined,
      blind: false,
      generation: 0,
      request: 'GET /users/:id',
    });
  });

  it('has nothing queued in the kernel where the table shows it among the ordinary ones', () => {
    const ledger = new Ledger(20);
    open(ledger, { peer: '10.0.0.2:5000' });
    const column = table(ledger, 10, ['ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000']);
    expect(takeSnapshot(ledger, column, 1_000).sockets).toMatchObject([
      { queued: { nodeRead: 0, nodeWrite: 0, kernelReceive: 0, kernelSend: 0 }, inode: undefined },
    ]);
    // Where rows had to be left out, it may have been one of them.
    const suspects = { omitted: 1, find: (): number => -1 } as unknown as KernelColumn['suspects'];
    expect(takeSnapshot(ledger, { ...column, suspects }, 1_000).sockets).toMatchObject([
      { kernel: 'established', queued: { kernelReceive: undefined, kernelSend: undefined } },
    ]);
  });

  it('without an address has none, and an inferred state was never observed', () => {
    const ledger = new Ledger(20);
    open(ledger);
    const [socket] = takeSnapshot(ledger, table(ledger, 10), 1_000).sockets;
    expect(socket).toMatchObject({ local: undefined, peer: undefined, nodeStateObservedMs: undefined });
  });

  it('reads with the wider alternatives of TLS', () => {
    const ledger = new Ledger(20);
    open(ledger, { flags: FLAG.tls, events: [EVENT.eofOrCloseNotify] });
    const [socket] = takeSnapshot(ledger, undefined, 1_000).sockets;
    expect(socket?.node).toEqual({
      state: 'close_wait',
      certainty: 'inferred',
      alternatives: ['established', 'closed'],
    });
  });

  it('is in the state that the kernel says, where the table knows it', () => {
    const ledger = new Ledger(20);
    open(ledger, { peer: '10.0.0.2:5000' });
    const column = table(ledger, 10, ['CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000']);
    expect(takeSnapshot(ledger, column, 1_000).sockets).toMatchObject([
      { node: { state: 'established' }, kernel: 'close_wait', state: 'close_wait' },
    ]);
  });

  it('is in the state that Node says, once it has moved since the table was begun', () => {
    const ledger = new Ledger(20);
    const record = open(ledger, { peer: '10.0.0.2:5000' });
    const column = table(ledger, 10, ['ESTABLISHED', '10.0.0.1:80', '10.0.0.2:5000']);
    ledger.apply(record, EVENT.eof, 20 * TICKS);
    expect(takeSnapshot(ledger, column, 1_000).sockets).toMatchObject([{ kernel: undefined, state: 'close_wait' }]);
  });

  it('never inherits the state of a socket that had its place when the table was read', () => {
    const ledger = new Ledger(20);
    const before = open(ledger, { peer: '10.0.0.2:5000' });
    const record = open(ledger);
    const column = table(ledger, 10, ['CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:5000']);
    const { tupleSlot } = before;
    ledger.close(before, 20 * TICKS);
    ledger.setTuple(record, tupleOf('10.0.0.1:80', '10.0.0.2:6000'));
    expect(record.tupleSlot).toBe(tupleSlot);
    expect(takeSnapshot(ledger, column, 1_000).sockets).toMatchObject([{ kernel: undefined, state: 'established' }]);
  });
});

describe('the list of sockets', () => {
  it('begins with the worst in either column', () => {
    const ledger = new Ledger(20);
    open(ledger, { name: 'fine', peer: '10.0.0.2:1' });
    open(ledger, { name: 'closing', peer: '10.0.0.2:2', events: [EVENT.finish] });
    open(ledger, { name: 'kernel', peer: '10.0.0.2:3' });
    open(ledger, { name: 'node', peer: '10.0.0.2:4', events: [EVENT.eof] });
    const column = table(
      ledger,
      10,
      ['ESTABLISHED', '10.0.0.1:80', '10.0.0.2:1'],
      ['FIN_WAIT_2', '10.0.0.1:80', '10.0.0.2:2'],
      ['CLOSE_WAIT', '10.0.0.1:80', '10.0.0.2:3'],
    );
    const names = takeSnapshot(ledger, column, 1_000).sockets.map(({ name }) => name);
    expect(names).toEqual(['kernel', 'node', 'closing', 'fine']);
  });

  it('holds 1,000, the worst of them whenever they came, and says how many it left out', () => {
    const ledger = new Ledger(20);
    for (let count = 0; count < 1_200; count++) open(ledger);
    open(ledger, { name: 'leak', events: [EVENT.eof] });
    const { sockets, socketsOmitted } = takeSnapshot(ledger, undefined, 1_000);
    expect(sockets).toHaveLength(1_000);
    expect(sockets[0]?.name).toBe('leak');
    expect(socketsOmitted).toBe(201);
  });
});
