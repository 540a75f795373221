// The promise of Join.wants: what it does not want makes no difference.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Join, type KernelColumn } from '../../src/sockets/join.ts';
import { Ledger, type ListenerRecord } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';
import { type KernelRow, offer } from '../../src/sockets/row.ts';
import { TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { STATE, STATES, type StateName, stateName } from '../../src/tcp/state.ts';
import { rowOf } from '../support/row.ts';
import { tupleOf } from '../support/tuple.ts';

const NOW_MS = 100_000;
const SETTINGS = { localPortRange: { from: 5_000, to: 5_004 }, reservedPorts: [], timeWaitReuse: 2 };

/** What happened in the process before the table is read. */
type Fact =
  | { readonly kind: 'listener'; readonly port: number; readonly inode: number }
  | { readonly kind: 'accepted'; readonly local: string; readonly peer: string; readonly closed: boolean }
  | { readonly kind: 'connected'; readonly local: string; readonly peer: string; readonly closed: boolean }
  | { readonly kind: 'attempted'; readonly peer: string }
  | { readonly kind: 'bound'; readonly local: string; readonly peer: string };

const PORTS = [80, 81, 5_000, 5_001, 5_002, 6_000];
const HOSTS = ['10.0.0.1', '10.0.0.2', '127.0.0.1'];
const ENDPOINTS = HOSTS.flatMap((address) => PORTS.map((each) => `${address}:${each}`));
const port = fc.constantFrom(...PORTS);
const host = fc.constantFrom(...HOSTS);
const endpoint = fc.tuple(host, port).map(([address, each]) => `${address}:${each}`);
const local = fc.oneof(
  endpoint,
  port.map((each) => `[::]:${each}`),
);

const fact: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({ kind: fc.constant('listener' as const), port, inode: fc.constantFrom(0, 1, 2) }),
  fc.record({ kind: fc.constant('accepted' as const), local, peer: endpoint, closed: fc.boolean() }),
  fc.record({ kind: fc.constant('connected' as const), local: endpoint, peer: endpoint, closed: fc.boolean() }),
  fc.record({ kind: fc.constant('attempted' as const), peer: endpoint }),
  fc.record({ kind: fc.constant('bound' as const), local: endpoint, peer: endpoint }),
);

const kernelRow: fc.Arbitrary<KernelRow> = fc
  .record({
    state: fc.constantFrom(...STATES).map(stateName),
    local: endpoint,
    peer: endpoint,
    inode: fc.constantFrom(0, 0, 1, 2, 9),
    cookie: fc.constantFrom(0, 1, 2),
    receiveQueue: fc.constantFrom(0, 0, 7),
    sendQueue: fc.constantFrom(0, 0, 9, Number.NaN),
    timerMs: fc.constantFrom(Number.NaN, 50_000, 59_500),
  })
  .map(({ state, local, peer, cookie, ...facts }) =>
    rowOf(state, local, state === 'LISTEN' ? '0.0.0.0:0' : peer, {
      ...facts,
      cookie: cookie && cookieOf(local, peer, cookie),
      // A listener's inode is at its own port, or at none.
      inode: state === 'LISTEN' && facts.inode !== 9 ? 0 : facts.inode,
      timer: Number.isNaN(facts.timerMs) ? 'none' : 'timewait',
    }),
  );

/** The cookie of the first or the second socket with these addresses: no other socket has it. */
function cookieOf(local: string, peer: string, number: number): number {
  return (ENDPOINTS.indexOf(local) * ENDPOINTS.length + ENDPOINTS.indexOf(peer)) * 2 + number;
}

function ledgerOf(facts: readonly Fact[]): Ledger {
  const ledger = new Ledger(20);
  for (const each of facts) take(ledger, each);
  return ledger;
}

function take(ledger: Ledger, each: Fact): void {
  switch (each.kind) {
    case 'listener': {
      const tuple = new Uint32Array(TUPLE_WORDS);
      tuple[TUPLE.localPort] = each.port;
      const listener: ListenerRecord = {
        ref: new WeakRef({}),
        slot: -1,
        transition: -1,
        flags: 0,
        changedAt: 0,
        observedAt: -1,
        port: each.port,
        tuple,
        inode: each.inode,
      };
      ledger.assign(listener, 'server', String(each.port), false, 0);
      ledger.addListener(listener);
      return;
    }
    case 'accepted':
    case 'connected': {
      const side = each.kind === 'accepted' ? 'server' : 'client';
      const record = new SocketRecord({}, side === 'server' ? FLAG.server : 0, 0);
      ledger.assign(record, side, `${side} ${each.peer}`, false, 0);
      ledger.add(record);
      ledger.apply(record, EVENT.adopt, 0);
      ledger.open(record, 0);
      ledger.setTuple(record, tupleOf(each.local, each.peer));
      if (!each.closed) return;
      ledger.apply(record, EVENT.close, (NOW_MS - 10_000) * 10);
      ledger.close(record, (NOW_MS - 10_000) * 10);
      return;
    }
    case 'attempted':
    case 'bound': {
      const slot = ledger.names.slotOf('client', `to ${each.peer}`, false, 0);
      const place = ledger.rememberUpstream(tupleOf('10.0.0.1:1', each.peer));
      if (each.kind === 'bound') ledger.upstreams.nameBound(place, slot, tupleOf(each.local, each.peer));
      else ledger.upstreams.name(place, slot);
      return;
    }
    default:
      each satisfies never;
  }
}

/** A column as plain data, its suspects row by row. */
function plain(column: KernelColumn): object {
  const { suspects } = column;
  const rows = Array.from({ length: suspects.length }, (_, index) => {
    const row = rowOf('CLOSED', '[::]:0', '[::]:0');
    suspects.read(index, row);
    return { row, ...suspects.factsAt(index) };
  });
  return { ...column, suspects: rows, suspectsOmitted: suspects.omitted };
}

test('a table of which only the wanted rows are read joins like one of which all are', () => {
  let wanted = 0;
  let all = 0;
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 6 }), fc.array(kernelRow, { maxLength: 40 }), (facts, rows) => {
      const listeners = facts.filter((each) => each.kind === 'listener');
      const table = [...listeners.map((each) => rowOf('LISTEN', `0.0.0.0:${each.port}`, '0.0.0.0:0', each)), ...rows];
      // Two ledgers, because a join teaches its ledger cookies.
      const asked = new Join(ledgerOf(facts), NOW_MS, SETTINGS);
      const told = new Join(ledgerOf(facts), NOW_MS, SETTINGS);
      for (const row of table) {
        offer(asked, row);
        if (told.wants(row.state, row.tuple[TUPLE.localPort] as number, row.tuple[TUPLE.peerPort] as number)) wanted++;
        all++;
        told.add(row);
      }
      asked.claim();
      told.claim();
      expect(plain(asked.finish(NOW_MS))).toEqual(plain(told.finish(NOW_MS)));
    }),
    { numRuns: 2_000 },
  );
  // The property would hold of a join that wants everything, and of one that is never asked about its own.
  expect(wanted / all).toBeGreaterThan(0.2);
  expect(wanted / all).toBeLessThan(0.9);
});

describe('nothing is wanted', () => {
  const states = STATES.map(stateName).filter((state) => state !== 'LISTEN' && state !== 'CLOSE_WAIT');

  test.each(states)('before any port is known: %s', (state) => {
    expect(wants(new Ledger(20), state, 80, 5_000)).toBe(false);
  });

  test.each(states)('at a port of ours, but for its end of the connection: %s', (state) => {
    const ledger = ledgerOf([{ kind: 'listener', port: 80, inode: 1 }]);
    expect(wants(ledger, state, 80, 5_000)).toBe(true);
    expect(wants(ledger, state, 5_000, 80)).toBe(false);
  });

  test.each(states)('but what connects to where we do: %s', (state) => {
    const ledger = ledgerOf([{ kind: 'attempted', peer: '10.0.0.2:5432' }]);
    expect(wants(ledger, state, 40_000, 5_432)).toBe(true);
    expect(wants(ledger, state, 5_432, 40_000)).toBe(false);
  });

  test('but CLOSE_WAIT, which may be of a descriptor of ours whatever its port', () => {
    expect(wants(new Ledger(20), 'CLOSE_WAIT', 80, 5_000)).toBe(true);
  });

  test('but listeners, which are few, and may be those of a cluster', () => {
    expect(wants(new Ledger(20), 'LISTEN', 80, 0)).toBe(true);
  });

  function wants(ledger: Ledger, state: StateName, localPort: number, peerPort: number): boolean {
    return new Join(ledger, NOW_MS).wants(STATE[state], localPort, peerPort);
  }
});
