import { describe, expect, it } from 'vitest';
import { FLAG, renew, SocketRecord, stateOf } from '../../src/sockets/record.ts';
import { EVENT } from '../../src/tcp/event.ts';
import { STATE } from '../../src/tcp/state.ts';
import { nextIndex } from '../../src/tcp/transition.ts';

describe('a record', () => {
  it('is born in CLOSED, on no book, without a name or an address', () => {
    const record = new SocketRecord({}, 0, 5);
    expect(stateOf(record)).toBe(STATE.CLOSED);
    expect(record).toMatchObject({ index: -1, slot: -1, tupleSlot: -1, upstream: -1, generation: 0, observedAt: -1 });
    expect(record).toMatchObject({ openedAt: 5, changedAt: 5, bytesReceived: 0, bytesSent: 0, request: undefined });
  });

  it('is in the state that its last transition led to', () => {
    const record = new SocketRecord({}, 0, 5);
    record.transition = nextIndex(STATE.ESTABLISHED, EVENT.eof);
    expect(stateOf(record)).toBe(STATE.CLOSE_WAIT);
  });

  it('has all its fields, in one order, from the start: one hidden class for all of them', () => {
    const before = Object.keys(new SocketRecord({}, FLAG.server, 0));
    const record = new SocketRecord({}, FLAG.named, 0);
    record.request = 'GET /';
    renew(record, 1);
    expect(Object.keys(record)).toEqual(before);
  });
});

describe('a new generation', () => {
  function worn(flags: number): SocketRecord {
    const record = new SocketRecord({}, flags | FLAG.firstFinRemote | FLAG.failedReset | FLAG.aborted, 5);
    record.flags |= FLAG.open | FLAG.blind | FLAG.adopted | FLAG.noAddress | FLAG.unused;
    Object.assign(record, { slot: 4, transition: 3, observedAt: 9, upstream: 2, bytesReceived: 10, bytesSent: 20 });
    record.request = 'GET /users/:id';
    renew(record, 100);
    return record;
  }

  it('knows nothing of the connection before', () => {
    expect(worn(0)).toMatchObject({
      flags: 0,
      slot: -1,
      transition: -1,
      generation: 1,
      openedAt: 100,
      changedAt: 100,
      observedAt: -1,
      upstream: -1,
      bytesReceived: 0,
      bytesSent: 0,
      request: undefined,
    });
  });

  it('keeps what belongs to the socket object: its side, its TLS and the name that the program chose', () => {
    expect(worn(FLAG.server | FLAG.tls | FLAG.named)).toMatchObject({
      flags: FLAG.server | FLAG.tls | FLAG.named,
      slot: 4,
    });
  });
});

it('no two flags share a bit', () => {
  const bits = [FLAG.aborted, FLAG.unused, FLAG.open, FLAG.server, FLAG.tls, FLAG.adopted, FLAG.blind];
  const all = [FLAG.firstFinMask, FLAG.failureMask, ...bits, FLAG.noAddress, FLAG.named];
  expect(all.reduce((union, bit) => union | bit, 0)).toBe(all.reduce((total, bit) => total + bit, 0));
});
