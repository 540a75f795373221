import { describe, expect, it } from 'vitest';
import { CLOSED_TUPLES_LIMIT, CLOSED_TUPLES_MS, ClosedTuples } from '../../src/sockets/closed-tuples.ts';
import { TUPLE, TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { STATE } from '../../src/tcp/state.ts';
import { tupleOf } from '../support/tuple.ts';

const TUPLE_A = tupleOf('10.0.0.1:80', '10.0.0.2:5000');
const TUPLE_B = tupleOf('10.0.0.1:80', '10.0.0.2:5001');
const unknown = Number.NaN;

describe('what was closed', () => {
  it('is found with its name until its minute is over', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 3, 1_000, 0);
    closed.expire(1_000 + CLOSED_TUPLES_MS);
    const slot = closed.find(TUPLE_A);
    expect(closed.nameSlotAt(slot)).toBe(3);
    closed.expire(1_001 + CLOSED_TUPLES_MS);
    expect(closed.find(TUPLE_A)).toBe(-1);
    expect(closed).toMatchObject({ size: 0, evicted: 0 });
  });

  it('gives its tuple back', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 3, 1_000, 0);
    const into = new Uint32Array(TUPLE_WORDS);
    closed.read(closed.find(TUPLE_A), into);
    expect(into).toEqual(TUPLE_A);
  });

  it('is forgotten oldest first when a later one is added', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 3, 0, 0);
    closed.add(TUPLE_B, 3, CLOSED_TUPLES_MS + 1, 0);
    expect(closed.find(TUPLE_A)).toBe(-1);
    expect(closed.find(TUPLE_B)).toBeGreaterThanOrEqual(0);
  });

  it('counts once when the same tuple is closed again, and from then on', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 3, 0, 0);
    closed.add(TUPLE_B, 3, 1_000, 0);
    closed.add(TUPLE_A, 4, 30_000, 0);
    expect(closed.size).toBe(2);
    expect(closed.nameSlotAt(closed.find(TUPLE_A))).toBe(4);
    closed.expire(1_001 + CLOSED_TUPLES_MS);
    expect(closed.find(TUPLE_B)).toBe(-1);
    expect(closed.find(TUPLE_A)).toBeGreaterThanOrEqual(0);
    closed.expire(30_001 + CLOSED_TUPLES_MS);
    expect(closed.size).toBe(0);
  });

  it(`is ${CLOSED_TUPLES_LIMIT} at most: the oldest is forgotten, and that is counted`, () => {
    const closed = new ClosedTuples();
    const tuple = new Uint32Array(TUPLE_WORDS);
    for (let port = 0; port <= CLOSED_TUPLES_LIMIT; port++) {
      tuple[TUPLE.peerPort] = port;
      closed.add(tuple, 2, 1_000, 0);
    }
    expect(closed).toMatchObject({ size: CLOSED_TUPLES_LIMIT, evicted: 1 });
    tuple[TUPLE.peerPort] = 0;
    expect(closed.find(tuple)).toBe(-1);
    for (const port of [1, 2, CLOSED_TUPLES_LIMIT]) {
      tuple[TUPLE.peerPort] = port;
      expect(closed.find(tuple)).toBeGreaterThanOrEqual(0);
    }
    // The ring turns: the places of what went are used again.
    closed.expire(1_001 + CLOSED_TUPLES_MS);
    for (let port = 0; port < 1_000; port++) {
      tuple[TUPLE.peerPort] = port;
      closed.add(tuple, 2, 100_000, 0);
    }
    expect(closed).toMatchObject({ size: 1_000, evicted: 1 });
  });

  it('a tuple that is closed again and again takes no place from the others', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_B, 2, 0, 0);
    for (let time = 1; time <= 500; time++) closed.add(TUPLE_A, 2, time, 0);
    expect(closed).toMatchObject({ size: 2, evicted: 0 });
    expect(closed.find(TUPLE_B)).toBeGreaterThanOrEqual(0);
  });
});

describe('whether a row is the socket that was closed', () => {
  function closedAt(time: number, cookie: number): { owns: (cookie: number, startedAt: number) => boolean } {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 2, time, cookie);
    return { owns: (rowCookie, startedAt) => closed.owns(closed.find(TUPLE_A), rowCookie, startedAt) };
  }

  it('the cookie decides where both are known, whatever the timer says', () => {
    expect(closedAt(50_000, 7).owns(7, 10_000)).toBe(true);
    expect(closedAt(50_000, 7).owns(8, 50_000)).toBe(false);
  });

  it('without a cookie its TIME_WAIT began when it was closed, give or take what ss rounds', () => {
    expect(closedAt(50_000, 0).owns(0, 48_500)).toBe(true);
    expect(closedAt(50_000, 0).owns(0, 51_500)).toBe(true);
    expect(closedAt(50_000, 7).owns(0, 51_500)).toBe(true);
    expect(closedAt(50_000, 0).owns(9, 51_500)).toBe(true);
  });

  it('a TIME_WAIT that began at another time belongs to a later socket with the same tuple', () => {
    expect(closedAt(50_000, 0).owns(0, 55_000)).toBe(false);
    expect(closedAt(50_000, 0).owns(0, 40_000)).toBe(false);
  });

  it('a TIME_WAIT that began while the connection was open is its own: a blocked event loop learns late of the close', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 2, 50_000, 0, 1 << STATE.TIME_WAIT, 40_000);
    const slot = closed.find(TUPLE_A);
    expect(closed.owns(slot, 0, 40_000, STATE.TIME_WAIT)).toBe(true);
    expect(closed.owns(slot, 0, 38_000, STATE.TIME_WAIT)).toBe(true);
    expect(closed.owns(slot, 0, 37_900, STATE.TIME_WAIT)).toBe(false);
  });

  it('another state has no such timer, and the tuple is enough', () => {
    expect(closedAt(50_000, 0).owns(0, unknown)).toBe(true);
  });

  it('another state than the socket could be left in is that of a later socket, unless the cookie says otherwise', () => {
    const closed = new ClosedTuples();
    closed.add(TUPLE_A, 2, 50_000, 7, (1 << STATE.LAST_ACK) | (1 << STATE.CLOSED));
    const slot = closed.find(TUPLE_A);
    expect(closed.owns(slot, 0, unknown, STATE.LAST_ACK)).toBe(true);
    expect(closed.owns(slot, 0, 50_000, STATE.TIME_WAIT)).toBe(false);
    expect(closed.owns(slot, 7, 50_000, STATE.TIME_WAIT)).toBe(true);
  });

  it('a cookie that was learned from a row decides from then on', () => {
    const entry = closedAt(50_000, 0);
    expect(entry.owns(9, unknown)).toBe(true);
    expect(entry.owns(8, unknown)).toBe(false);
    expect(entry.owns(9, unknown)).toBe(true);
  });

  it('a cookie is not learned from a row that is somebody else', () => {
    const entry = closedAt(50_000, 0);
    expect(entry.owns(8, 58_000)).toBe(false);
    expect(entry.owns(9, 50_000)).toBe(true);
  });
});
