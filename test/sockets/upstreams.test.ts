import { describe, expect, test } from 'vitest';
import { TUPLE_WORDS } from '../../src/sockets/tuple.ts';
import { SOURCE_LIMIT, Upstreams } from '../../src/sockets/upstreams.ts';
import { tupleOf } from '../support/tuple.ts';

const to = (peer: string): Uint32Array => tupleOf('10.0.0.1:5000', peer);

describe('a name', () => {
  test('has every endpoint it was used for, also one that another name uses too', () => {
    const upstreams = new Upstreams([]);
    const [first, second] = ['10.0.0.2:80', '10.0.0.3:80'].map((peer) => upstreams.remember(to(peer)));
    upstreams.name(first as number, 2);
    upstreams.name(second as number, 2);
    upstreams.name(first as number, 3);
    expect([...upstreams.endpointsOf(2)].sort()).toEqual([first, second]);
    expect([...upstreams.endpointsOf(3)]).toEqual([first]);
    expect(upstreams.slotOf(to('10.0.0.2:80'))).toBe(3);
    expect(upstreams.endpointsOf(4).size).toBe(0);
  });

  test("that is forgotten takes its endpoints and its sources along, and nobody else's", () => {
    const upstreams = new Upstreams([]);
    const place = upstreams.remember(to('10.0.0.2:80'));
    for (const slot of [2, 3]) {
      upstreams.name(place, slot);
      upstreams.nameBound(place, slot, to('10.0.0.2:80'));
    }
    upstreams.forgetName(3);
    expect(upstreams.slotOf(to('10.0.0.2:80'))).toBe(-1);
    expect([upstreams.endpointsOf(3).size, upstreams.sourcesOf(3).size]).toEqual([0, 0]);
    expect([upstreams.endpointsOf(2).size, upstreams.sourcesOf(2).size]).toEqual([1, 1]);
    upstreams.name(place, 3);
    expect(upstreams.endpointsOf(3).size).toBe(1);
  });
});

describe('the addresses that sockets are bound to', () => {
  test('are one for each address, whatever the port and the peer; the wildcards of both families are one', () => {
    const upstreams = new Upstreams([]);
    for (const local of ['10.0.0.1:1', '10.0.0.1:2', '[::ffff:10.0.0.1]:3', '0.0.0.0:4', '[::]:5']) {
      upstreams.nameBound(-1, 2, tupleOf(local, '10.0.0.2:80'));
    }
    expect(upstreams.sources.size).toBe(2);
    expect(upstreams.sources.find(new Uint32Array(TUPLE_WORDS))).toBeGreaterThanOrEqual(0);
    expect(upstreams.sourcesOf(2).size).toBe(2);
  });

  test('are limited: what is in use comes back with its next socket', () => {
    const upstreams = new Upstreams([]);
    for (let host = 0; host <= SOURCE_LIMIT; host++)
      upstreams.nameBound(-1, 2, tupleOf(`10.0.0.${host + 1}:1`, '10.0.1.2:80'));
    expect(upstreams.sources.size).toBe(1);
    expect(upstreams.sourcesOf(2).size).toBe(1);
  });
});

describe('endpoints', () => {
  test('are found by the newest text and port they were noted under, until all are forgotten', () => {
    const upstreams = new Upstreams([]);
    const place = upstreams.remember(to('10.0.0.2:80'));
    expect(upstreams.placeOfText('10.0.0.2', 80)).toBe(-1);
    upstreams.noteText('10.0.0.2', 80, place);
    expect(upstreams.placeOfText('10.0.0.2', 80)).toBe(place);
    expect(upstreams.placeOfText('10.0.0.2', 81)).toBe(-1);
    for (let port = 1; port <= 4_096; port++) upstreams.remember(to(`10.0.0.3:${port}`));
    expect(upstreams.generation).toBe(1);
    expect(upstreams.placeOfText('10.0.0.2', 80)).toBe(-1);
  });
});
