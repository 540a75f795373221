import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCounterPairs, parseSockstat, parseSockstat6 } from '../../../src/kernel/procfs/parse-counters.ts';

const NET = new URL('../../fixtures/proc/net/', import.meta.url);

describe('sockstat', () => {
  it('says what it says about TCP', () => {
    expect(parseSockstat(read('sockstat'))).toEqual({ inuse: 45, orphan: 7, tw: 5, alloc: 77, mem: 991 });
    expect(parseSockstat6(read('sockstat6'))).toBe(11);
  });

  it('leaves unknown what it does not say', () => {
    const nothing = { inuse: undefined, orphan: undefined, tw: undefined, alloc: undefined, mem: undefined };
    expect(parseSockstat('')).toEqual(nothing);
    expect(parseSockstat('UDP: inuse 3 mem 1\nTCPX: inuse 4\n')).toEqual(nothing);
    expect(parseSockstat('TCP: inuse 4 orphan many tw')).toEqual({ ...nothing, inuse: 4 });
    expect(parseSockstat('TCP: tw 0 new 7 inuse 4\n')).toEqual({ ...nothing, inuse: 4, tw: 0 });
    expect(parseSockstat6('TCP: inuse 4\n')).toBeUndefined();
  });
});

describe('a group of snmp or netstat', () => {
  it('has its values by name', () => {
    const tcp = parseCounterPairs(read('snmp'), 'Tcp');
    expect(tcp.size).toBe(15);
    expect(Object.fromEntries(tcp)).toMatchObject({ ActiveOpens: 34, PassiveOpens: 19, CurrEstab: 33, MaxConn: -1 });
    const tcpExt = parseCounterPairs(read('netstat'), 'TcpExt');
    expect(Object.fromEntries(tcpExt)).toMatchObject({
      TW: 5,
      ListenOverflows: 20,
      ListenDrops: 20,
      TCPSynRetrans: 42,
    });
  });

  it('has them in any order, and unknown names beside them', () => {
    expect(parseCounterPairs('Tcp: B New A\nTcp: 2 9 1\n', 'Tcp')).toEqual(
      new Map([
        ['B', 2],
        ['New', 9],
        ['A', 1],
      ]),
    );
  });

  it('is unknown, and not 0, where it is missing or cut off', () => {
    for (const text of ['', 'Udp: A\nUdp: 1\n', 'TcpExt: A\nTcpExt: 1\n', 'Tcp: A B\n', 'Tcp: A B\nTcp: 1\n']) {
      expect(parseCounterPairs(text, 'Tcp').size).toBe(0);
    }
    expect(parseCounterPairs('Tcp: A B\nTcp: x 2\n', 'Tcp')).toEqual(new Map([['B', 2]]));
  });

  it('of any text does not throw', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (text, words) => {
        for (const input of [text, `Tcp: ${words.join(' ')}\nTcp: ${text}`, `TCP: ${text}`]) {
          for (const value of parseCounterPairs(input, 'Tcp').values()) expect(value).not.toBeNaN();
          parseSockstat(input);
          parseSockstat6(input);
        }
      }),
    );
  });
});

function read(name: string): string {
  return readFileSync(new URL(name, NET), 'utf8');
}
