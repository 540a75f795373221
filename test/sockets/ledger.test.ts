import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOSINGS } from '../../src/sockets/closing.ts';
import { COUNT, type Count, Ledger, type ListenerRecord, TICKS_PER_SECOND } from '../../src/sockets/ledger.ts';
import { NAME_IDLE_MS, type Side } from '../../src/sockets/names.ts';
import { FLAG, SocketRecord, stateOf } from '../../src/sockets/record.ts';
import { TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { EVENT, type TcpEvent } from '../../src/tcp/event.ts';
import { readingOf } from '../../src/tcp/reading.ts';
import { STATE, STATES } from '../../src/tcp/state.ts';
import { nextIndex, TRANSITIONS } from '../../src/tcp/transition.ts';
import { tupleOf } from '../support/tuple.ts';

const HOUR: number = (NAME_IDLE_MS / 1_000) * TICKS_PER_SECOND;

function accept(ledger: Ledger, at: number, name = 'api'): SocketRecord {
  const record = new SocketRecord({}, FLAG.server, at);
  ledger.assign(record, 'server', name, true, at);
  ledger.add(record);
  ledger.apply(record, EVENT.accept, at);
  ledger.open(record, at);
  return record;
}

function attempt(ledger: Ledger, at: number, name = 'db:5432'): SocketRecord {
  const record = new SocketRecord({}, 0, at);
  ledger.add(record);
  ledger.assign(record, 'client', name, false, at);
  ledger.apply(record, EVENT.attempt, at);
  return record;
}

function connect(ledger: Ledger, record: SocketRecord, at: number): void {
  ledger.apply(record, EVENT.connect, at);
  ledger.open(record, at);
}

function closings(ledger: Ledger, slot: number): Record<string, number> {
  const entries = CLOSINGS.map((pair, closing) => [pair.join(' '), ledger.closed(slot, closing)] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

describe('the state of a record', () => {
  it('moves with an event, and counts the row of the table that was taken', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 10);
    expect(ledger.apply(record, EVENT.eof, 50)).toBe(true);
    expect(stateOf(record)).toBe(STATE.CLOSE_WAIT);
    expect(record).toMatchObject({ changedAt: 50, observedAt: 50 });
    expect(ledger.transitionCount(nextIndex(STATE.ESTABLISHED, EVENT.eof))).toBe(1);
    expect(ledger.nodeState(record.slot, STATE.CLOSE_WAIT)).toBe(1);
    expect(ledger.nodeState(record.slot, STATE.ESTABLISHED)).toBe(0);
  });

  it('an inferred move forgets the proof of the state before', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 10);
    ledger.apply(record, EVENT.eof, 50);
    ledger.apply(record, EVENT.finish, 60);
    expect(record).toMatchObject({ changedAt: 60, observedAt: -1 });
  });

  it('a proof that comes later does not move it, nor make it younger', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 10);
    ledger.apply(record, EVENT.unreadEof, 50);
    ledger.apply(record, EVENT.alive, 90);
    expect(record).toMatchObject({ changedAt: 50, observedAt: 90 });
  });

  it('what neither moves nor proves it takes nothing away from what was known', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 5);
    connect(ledger, record, 10);
    ledger.apply(record, EVENT.blind, 90);
    expect(record).toMatchObject({ transition: nextIndex(STATE.SYN_SENT, EVENT.connect), observedAt: 10 });
  });

  it('a CLOSED that was inferred is not proved by the close of its descriptor', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 5);
    ledger.apply(record, EVENT.attemptAbandoned, 10);
    ledger.apply(record, EVENT.close, 11);
    expect(readingOf(record.transition, false)).toMatchObject({ state: 'closed', certainty: 'inferred' });
    expect(record.observedAt).toBe(-1);
  });

  it('an illegal event is recorded with the state it came in, and changes nothing', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 10);
    const before = { ...record };
    expect(ledger.apply(record, EVENT.connect, 20)).toBe(false);
    expect(ledger.apply(record, EVENT.connect, 30)).toBe(false);
    expect(ledger.apply(record, EVENT.listening, 40)).toBe(false);
    expect({ ...record }).toEqual(before);
    expect(ledger.illegalCount).toBe(3);
    expect([...ledger.illegal.values()]).toEqual([
      { from: STATE.ESTABLISHED, event: 'connect', count: 2 },
      { from: STATE.ESTABLISHED, event: 'listening', count: 1 },
    ]);
  });
});

describe('the gauges of Node column', () => {
  it('show an attempt before it is counted as open', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 5);
    expect(ledger.nodeState(record.slot, STATE.SYN_SENT)).toBe(1);
    expect(ledger.count(record.slot, COUNT.open)).toBe(0);
  });

  it('show CLOSED only while a descriptor is open on a connection that is gone', () => {
    const ledger = new Ledger(20);
    const failed = attempt(ledger, 5);
    ledger.apply(failed, EVENT.attemptFailed, 6);
    expect(ledger.nodeState(failed.slot, STATE.CLOSED)).toBe(0);
    const ghost = accept(ledger, 5);
    ledger.apply(ghost, EVENT.eof, 6);
    ledger.apply(ghost, EVENT.gone, 7);
    expect(ledger.nodeState(ghost.slot, STATE.CLOSED)).toBe(1);
    ledger.close(ghost, 8);
    expect(ledger.nodeState(ghost.slot, STATE.CLOSED)).toBe(0);
  });

  it('never show TIME_WAIT, which is the kernel alone', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 5);
    ledger.apply(record, EVENT.finish, 6);
    ledger.apply(record, EVENT.eof, 7);
    expect(stateOf(record)).toBe(STATE.TIME_WAIT);
    expect(STATES.map((state) => ledger.nodeState(record.slot, state))).toEqual(STATES.map(() => 0));
  });

  it('show a listener until it is removed, and removing it twice is fine', () => {
    const ledger = new Ledger(20);
    const listener = listenerOf(ledger);
    expect(ledger.nodeState(listener.slot, STATE.LISTEN)).toBe(1);
    ledger.removeListener(listener);
    ledger.removeListener(listener);
    expect(ledger.nodeState(listener.slot, STATE.LISTEN)).toBe(0);
  });
});

describe('the end of a record', () => {
  it('is counted once, however often it is said', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 0);
    ledger.apply(record, EVENT.eof, 1);
    ledger.close(record, 2);
    ledger.close(record, 3);
    ledger.abandon(record, 4);
    ledger.release(record, 5);
    expect(closings(ledger, record.slot)).toEqual({ 'local fin': 1 });
    expect(ledger.count(record.slot, COUNT.released)).toBe(0);
    expect(STATES.map((state) => ledger.nodeState(record.slot, state))).toEqual(STATES.map(() => 0));
    expect(ledger.records).toEqual([]);
  });

  it('observes how long the connection was open', () => {
    const ledger = new Ledger(20);
    const seconds: number[] = [];
    ledger.durations.client.subscribe((value) => seconds.push(value));
    const record = attempt(ledger, 0);
    connect(ledger, record, 1_000);
    ledger.close(record, 26_000);
    expect(seconds).toEqual([2.5]);
    expect(ledger.durations.server.count).toBe(0);
  });

  it('has left the books when an exporter that is told of it throws', () => {
    const ledger = new Ledger(20);
    ledger.durations.server.subscribe(() => {
      throw new Error('exporter');
    });
    const record = accept(ledger, 0);
    expect(() => ledger.close(record, 5)).toThrow('exporter');
    expect(ledger.records).toEqual([]);
    expect(ledger.count(record.slot, COUNT.open)).toBe(0);
    expect(closings(ledger, record.slot)).toEqual({ 'local fin': 1 });
  });

  it('of an adopted connection is in no duration', () => {
    const ledger = new Ledger(20);
    const record = new SocketRecord({}, FLAG.adopted, 0);
    ledger.assign(record, 'client', 'a:1', false, 0);
    ledger.add(record);
    connect(ledger, record, 0);
    ledger.close(record, 10);
    expect(ledger.durations.client.count).toBe(0);
    expect(ledger.count(record.slot, COUNT.adopted)).toBe(1);
    expect(ledger.count(record.slot, COUNT.opened)).toBe(0);
  });

  it('of an attempt that never connected counts nothing', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 0);
    ledger.apply(record, EVENT.attemptFailed, 1);
    ledger.close(record, 2);
    expect(closings(ledger, record.slot)).toEqual({});
    expect(ledger.durations.client.count).toBe(0);
  });

  it('without close is abandoned, and released where we let go of it', () => {
    const ledger = new Ledger(20);
    const lost = accept(ledger, 0);
    const freed = accept(ledger, 0);
    ledger.abandon(lost, 5);
    ledger.release(freed, 5);
    expect(closings(ledger, lost.slot)).toEqual({ 'unknown abandoned': 1 });
    expect(ledger.count(freed.slot, COUNT.released)).toBe(1);
    expect(ledger.count(freed.slot, COUNT.open)).toBe(0);
    expect(ledger.durations.server.count).toBe(0);
  });

  it('counts those whose addresses were never known', () => {
    const ledger = new Ledger(20);
    const known = accept(ledger, 0);
    ledger.setTuple(known, tupleOf('10.0.0.1:80', '10.0.0.2:5000'));
    ledger.close(known, 5);
    ledger.close(accept(ledger, 0), 5);
    expect(ledger.count(known.slot, COUNT.withoutAddress)).toBe(1);
  });

  it('hands its tuple and its cookie to the ring of closed ones, unless somebody else holds the socket now', () => {
    const ledger = new Ledger(20);
    const tuples = [5000, 5001, 5002].map((port) => tupleOf('10.0.0.1:80', `10.0.0.2:${port}`));
    const [closed, released, abandoned] = tuples.map((tuple) => {
      const record = accept(ledger, 0);
      ledger.setTuple(record, tuple);
      return record;
    }) as [SocketRecord, SocketRecord, SocketRecord];
    ledger.learnCookie(closed.tupleSlot, 77);
    ledger.close(closed, 10);
    ledger.release(released, 10);
    ledger.abandon(abandoned, 10);
    const [ours, ...others] = tuples.map((tuple) => ledger.closedTuples.find(tuple)) as [number, number, number];
    expect(others).toEqual([-1, -1]);
    expect(ledger.closedTuples.nameSlotAt(ours)).toBe(closed.slot);
    expect(ledger.closedTuples.owns(ours, 77, Number.NaN)).toBe(true);
    expect(ledger.closedTuples.owns(ours, 78, Number.NaN)).toBe(false);
    expect(ledger.tuples.size).toBe(0);
  });
});

describe('a new generation', () => {
  it('is another connection of the same record', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 0);
    connect(ledger, record, 1);
    const first = record.slot;
    ledger.close(record, 2);
    ledger.renew(record, 3);
    expect(record).toMatchObject({ generation: 1, index: 0, slot: -1 });
    ledger.assign(record, 'client', 'other:80', false, 3);
    ledger.apply(record, EVENT.attempt, 3);
    connect(ledger, record, 4);
    expect(ledger.count(first, COUNT.open)).toBe(0);
    expect(ledger.count(record.slot, COUNT.open)).toBe(1);
  });

  it('of a failed attempt leaves no state and no tuple behind', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 0);
    ledger.setTuple(record, tupleOf('10.0.0.1:5000', '10.0.0.2:80'));
    const slot = record.slot;
    ledger.renew(record, 3);
    expect(ledger.nodeState(slot, STATE.SYN_SENT)).toBe(0);
    expect(ledger.tuples.size).toBe(0);
    expect(ledger.closedTuples.size).toBe(0);
    expect(ledger.records).toEqual([record]);
  });
});

describe('bytes', () => {
  it('never fall, though the count of libuv does at an RST', () => {
    const ledger = new Ledger(20);
    const record = accept(ledger, 0);
    ledger.countBytes(record, 100, 6_000_000);
    ledger.countBytes(record, 100, 3_900_000);
    ledger.countBytes(record, 150, 6_000_001);
    expect(ledger.count(record.slot, COUNT.bytesReceived)).toBe(150);
    expect(ledger.count(record.slot, COUNT.bytesSent)).toBe(6_000_001);
  });
});

describe('names', () => {
  it('that were idle for an hour give their place and their counts back', () => {
    const ledger = new Ledger(20);
    const record = attempt(ledger, 0);
    connect(ledger, record, 0);
    const { slot } = record;
    ledger.evictIdleNames(HOUR);
    expect(ledger.count(slot, COUNT.opened)).toBe(1);
    ledger.close(record, HOUR);
    ledger.evictIdleNames(2 * HOUR - 1);
    expect(ledger.count(slot, COUNT.opened)).toBe(1);
    ledger.evictIdleNames(2 * HOUR);
    expect(ledger.names.at(slot)).toBeUndefined();
    expect(ledger.count(slot, COUNT.opened)).toBe(0);
    expect(closings(ledger, slot)).toEqual({});
  });

  it('stay while an attempt is under way or a listener has them', () => {
    const ledger = new Ledger(20);
    const trying = attempt(ledger, 0);
    const listener = listenerOf(ledger);
    ledger.evictIdleNames(2 * HOUR);
    expect(ledger.names.at(trying.slot)?.name).toBe('db:5432');
    expect(ledger.names.at(listener.slot)?.name).toBe('8080');
  });

  it('are not inherited by the endpoints of the name before', () => {
    const ledger = new Ledger(20);
    const tuple = tupleOf('10.0.0.1:5000', '10.0.0.2:80');
    const upstream = ledger.rememberUpstream(tuple);
    const first = attempt(ledger, 0, 'old:80');
    ledger.upstreams.name(upstream, first.slot);
    expect(ledger.upstreams.slotOf(tupleOf('10.9.9.9:6000', '10.0.0.2:80'))).toBe(first.slot);
    ledger.close(first, 0);
    ledger.evictIdleNames(HOUR);
    const second = attempt(ledger, HOUR, 'new:80');
    expect(second.slot).toBe(first.slot);
    expect(ledger.upstreams.slotOf(tuple)).toBe(-1);
  });
});

describe('a name that is given late', () => {
  it('takes the record into the gauge of its state then, and out of it again', () => {
    const ledger = new Ledger(20);
    const record = new SocketRecord({}, 0, 0);
    ledger.add(record);
    ledger.apply(record, EVENT.attempt, 0);
    ledger.assign(record, 'client', 'db:5432', false, 5);
    expect(ledger.nodeState(record.slot, STATE.SYN_SENT)).toBe(1);
    connect(ledger, record, 5);
    expect(ledger.nodeState(record.slot, STATE.SYN_SENT)).toBe(0);
    expect(ledger.nodeState(record.slot, STATE.ESTABLISHED)).toBe(1);
  });
});

describe('upstreams', () => {
  it('are one for each endpoint, whatever the local one is', () => {
    const ledger = new Ledger(20);
    const index = ledger.rememberUpstream(tupleOf('10.0.0.1:5000', '10.0.0.2:80'));
    expect(ledger.rememberUpstream(tupleOf('10.0.0.9:6000', '10.0.0.2:80'))).toBe(index);
    expect(ledger.rememberUpstream(tupleOf('10.0.0.1:5000', '10.0.0.2:81'))).not.toBe(index);
    expect(ledger.upstreams.slotOf(tupleOf('10.0.0.1:5000', '10.0.0.3:80'))).toBe(-1);
  });

  it('are 4,096 at most; those that are known stay known', () => {
    const ledger = new Ledger(20);
    const first = ledger.rememberUpstream(tupleOf('10.0.0.1:1', '10.0.0.2:1'));
    for (let port = 2; port <= 4_096; port++) ledger.rememberUpstream(tupleOf('10.0.0.1:1', `10.0.0.2:${port}`));
    expect(ledger.rememberUpstream(tupleOf('10.0.0.1:1', '10.0.0.2:1'))).toBe(first);
    expect(ledger.upstreams.size).toBe(4_096);
    ledger.upstreams.name(ledger.rememberUpstream(tupleOf('10.0.0.1:1', '10.0.0.2:5000')), 3);
    expect(ledger.upstreams.slotOf(tupleOf('10.0.0.1:1', '10.0.0.2:5000'))).toBe(3);
    expect(ledger.upstreams.size).toBe(1);
    expect(() => ledger.upstreams.name(-1, 3)).not.toThrow();
  });

  it('that are being connected to outlast the start over; a record that is open lets go of its own', () => {
    const ledger = new Ledger(20);
    const [connecting, again, open] = ['db:1', 'db:1', 'db:2'].map((name) => {
      const record = attempt(ledger, 0, name);
      record.upstream = ledger.rememberUpstream(tupleOf('10.0.0.1:1', `10.0.0.3:${name.at(-1)}`));
      ledger.upstreams.name(record.upstream, record.slot);
      return record;
    }) as [SocketRecord, SocketRecord, SocketRecord];
    connect(ledger, open, 1);
    for (let port = 1; port <= 4_095; port++) ledger.rememberUpstream(tupleOf('10.0.0.1:1', `10.0.0.2:${port}`));
    expect(ledger.upstreams.size).toBe(2);
    const into = new Uint32Array(TUPLE_WORDS);
    ledger.upstreams.read(connecting.upstream, into);
    expect(into).toEqual(tupleOf('[::]:0', '10.0.0.3:1'));
    expect(again.upstream).toBe(connecting.upstream);
    expect(ledger.upstreams.slotOf(tupleOf('10.0.0.1:1', '10.0.0.3:1'))).toBe(connecting.slot);
    expect(open.upstream).toBe(-1);
    expect(ledger.upstreams.slotOf(tupleOf('10.0.0.1:1', '10.0.0.3:2'))).toBe(-1);
  });
});

describe('under any sequence of operations', () => {
  it('opened + adopted = closed + released + open, and every gauge is a recount of the records', () => {
    fc.assert(
      fc.property(fc.array(step(), { maxLength: 120 }), (steps) => {
        const world = new World();
        for (const each of steps) {
          world.take(each);
          world.check();
        }
        world.endAll();
        world.check();
        expect(world.ledger.records).toEqual([]);
        expect(world.ledger.tuples.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

type Operation =
  | 'accept'
  | 'adopt'
  | 'attempt'
  | 'connect'
  | 'event'
  | 'flag'
  | 'bytes'
  | 'blind'
  | 'tuple'
  | 'close'
  | 'abandon'
  | 'release'
  | 'hour';

interface Step {
  readonly operation: Operation;
  readonly which: number;
  readonly event: TcpEvent;
  readonly number: number;
}

function step(): fc.Arbitrary<Step> {
  return fc.record({
    operation: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<Operation>('accept', 'adopt', 'attempt', 'connect') },
      { weight: 4, arbitrary: fc.constantFrom<Operation>('event', 'flag', 'bytes', 'blind', 'tuple') },
      { weight: 2, arbitrary: fc.constantFrom<Operation>('close', 'abandon', 'release', 'hour') },
    ),
    which: fc.nat({ max: 50 }),
    event: fc.constantFrom(...Object.values(EVENT)),
    number: fc.nat({ max: 127 }),
  });
}

/** A ledger and what an observer would do to it, in an order that a socket could show. */
class World {
  readonly ledger: Ledger = new Ledger(3);
  readonly records: SocketRecord[] = [];
  now = 0;
  #bytes = 0;

  take({ operation, which, event, number }: Step): void {
    const { ledger } = this;
    this.now += 100;
    const record = this.records[which % Math.max(this.records.length, 1)];
    const live = record !== undefined && record.index >= 0;
    const open = live && (record.flags & FLAG.open) !== 0;
    const name = `host${number % 5}:80`;
    switch (operation) {
      case 'accept':
        this.#begin('server', name, FLAG.server, EVENT.accept);
        break;
      case 'adopt':
        this.#begin('client', name, FLAG.adopted, EVENT.adopt);
        break;
      case 'attempt':
        if (record === undefined || number % 2 === 0) this.records.push(attempt(ledger, this.now, name));
        else {
          // The same socket object connects again.
          if (open) ledger.close(record, this.now);
          ledger.renew(record, this.now);
          if (record.slot < 0) ledger.assign(record, 'client', name, false, this.now);
          ledger.apply(record, EVENT.attempt, this.now);
        }
        break;
      case 'connect':
        if (live && !open) connect(ledger, record, this.now);
        break;
      case 'event':
        if (live) ledger.apply(record, event, this.now);
        break;
      case 'flag':
        if (live) record.flags |= number & FLAG.closingMask;
        break;
      case 'bytes':
        if (open) ledger.countBytes(record, number, which);
        break;
      case 'blind':
        if (open) ledger.setBlind(record, number % 2 === 0);
        break;
      case 'tuple':
        if (open) ledger.setTuple(record, tupleOf('10.0.0.1:80', `10.0.0.2:${number}`));
        break;
      case 'close':
        if (record !== undefined) ledger.close(record, this.now);
        break;
      case 'abandon':
        if (record !== undefined) ledger.abandon(record, this.now);
        break;
      case 'release':
        if (record !== undefined) ledger.release(record, this.now);
        break;
      case 'hour':
        this.now += HOUR;
        ledger.evictIdleNames(this.now);
        this.#bytes = 0;
        break;
      default:
        operation satisfies never;
    }
  }

  endAll(): void {
    for (const record of this.records) this.ledger.close(record, this.now);
  }

  check(): void {
    const { ledger } = this;
    for (let slot = 0; slot < ledger.names.capacity; slot++) {
      const count = (what: Count): number => ledger.count(slot, what);
      const closed = CLOSINGS.reduce((total, _, closing) => total + ledger.closed(slot, closing), 0);
      const mine = ledger.records.filter((record) => record.slot === slot);
      const open = mine.filter((record) => (record.flags & FLAG.open) !== 0);
      expect(count(COUNT.opened) + count(COUNT.adopted)).toBe(closed + count(COUNT.released) + count(COUNT.open));
      expect(count(COUNT.open)).toBe(open.length);
      expect(count(COUNT.blind)).toBe(mine.filter((record) => (record.flags & FLAG.blind) !== 0).length);
      for (const state of STATES) {
        const shown = state === STATE.TIME_WAIT ? [] : state === STATE.CLOSED ? open : mine;
        expect(ledger.nodeState(slot, state)).toBe(shown.filter((record) => stateOf(record) === state).length);
      }
    }
    ledger.records.forEach((record, index) => {
      expect(record.index).toBe(index);
    });
    const addressed = ledger.records.filter((record) => record.tupleSlot >= 0);
    expect(ledger.tuples.size).toBe(addressed.length);
    for (const record of addressed) expect(ledger.recordAtTuple(record.tupleSlot)).toBe(record);
    const bytes = this.#totalBytes();
    expect(bytes).toBeGreaterThanOrEqual(this.#bytes);
    this.#bytes = bytes;
  }

  #begin(side: Side, name: string, flags: number, event: TcpEvent): void {
    const record = new SocketRecord({}, flags, this.now);
    this.ledger.assign(record, side, name, name === 'host0:80', this.now);
    this.ledger.add(record);
    this.ledger.apply(record, event, this.now);
    this.ledger.open(record, this.now);
    this.records.push(record);
  }

  #totalBytes(): number {
    let total = 0;
    for (let slot = 0; slot < this.ledger.names.capacity; slot++) {
      total += this.ledger.count(slot, COUNT.bytesReceived) + this.ledger.count(slot, COUNT.bytesSent);
    }
    return total;
  }
}

function listenerOf(ledger: Ledger): ListenerRecord {
  const listener: ListenerRecord = {
    ref: new WeakRef({}),
    slot: -1,
    transition: -1,
    flags: 0,
    changedAt: 0,
    observedAt: -1,
    port: 8080,
    tuple: new Uint32Array(TUPLE_WORDS),
    inode: 0,
  };
  ledger.assign(listener, 'server', '8080', false, 0);
  ledger.addListener(listener);
  ledger.apply(listener, EVENT.listening, 0);
  return listener;
}

it('the counts of transitions are one for each row of the table', () => {
  const ledger = new Ledger(20);
  for (let index = 0; index < TRANSITIONS.length; index++) expect(ledger.transitionCount(index)).toBe(0);
});
