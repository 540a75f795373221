import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ephemeralPortCount,
  type PortRange,
  parseNumber,
  parsePortList,
  parsePortRange,
  readSysctls,
} from '../../../src/kernel/procfs/sysctl.ts';

const FIXTURE = fileURLToPath(new URL('../../fixtures/proc', import.meta.url));

describe('the settings', () => {
  it('are read from /proc/sys/net', () => {
    expect(readSysctls(FIXTURE)).toEqual({
      localPortRange: { from: 32768, to: 60999 },
      reservedPorts: [
        { from: 40000, to: 40015 },
        { from: 50000, to: 50000 },
      ],
      timeWaitReuse: 2,
      maxTimeWaits: 131072,
      maxBacklog: 4096,
    });
  });

  it('are unknown where they cannot be read', () => {
    expect(readSysctls('/nonexistent')).toEqual({
      localPortRange: undefined,
      reservedPorts: undefined,
      timeWaitReuse: undefined,
      maxTimeWaits: undefined,
      maxBacklog: undefined,
    });
  });

  it.skipIf(process.platform !== 'linux')('of this machine are all there', () => {
    expect(Object.values(readSysctls())).not.toContain(undefined);
  });
});

describe('a setting', () => {
  it('may be a range of ports', () => {
    expect(parsePortRange('32768\t60999\n')).toEqual({ from: 32768, to: 60999 });
    expect(parsePortRange('1024 1024')).toEqual({ from: 1024, to: 1024 });
    for (const text of ['', '1024', '2 1', '1024\t70000', 'a b', '-1 5', '1 2 3']) {
      expect(parsePortRange(text)).toBeUndefined();
    }
  });

  it('may be a list of ports and ranges', () => {
    expect(parsePortList('\n')).toEqual([]);
    expect(parsePortList('8080\n')).toEqual([{ from: 8080, to: 8080 }]);
    expect(parsePortList('1-3,5,7-7')).toEqual([
      { from: 1, to: 3 },
      { from: 5, to: 5 },
      { from: 7, to: 7 },
    ]);
    for (const text of ['1,', '1-', '3-1', '1-2-3', 'x', '70000', '1 2']) expect(parsePortList(text)).toBeUndefined();
  });

  it('may be a number', () => {
    expect(parseNumber('4096\n')).toBe(4096);
    expect(parseNumber('-1')).toBe(-1);
    for (const text of ['', 'many', '1 2', '1.5']) expect(parseNumber(text)).toBeUndefined();
  });
});

describe('the number of ephemeral ports', () => {
  it.each<readonly [string, PortRange, readonly PortRange[], number]>([
    ['the default range', range(32768, 60999), [], 28_232],
    ['one port', range(5, 5), [], 1],
    ['reserved inside', range(40000, 40031), [range(40000, 40015)], 16],
    ['reserved at both edges and beyond', range(10, 20), [range(1, 12), range(19, 30)], 6],
    ['reserved elsewhere', range(10, 20), [range(1, 9), range(21, 30)], 11],
    ['all reserved', range(10, 20), [range(10, 20)], 0],
    ['reserved twice', range(10, 20), [range(12, 14), range(13, 15), range(12, 14)], 7],
    ['reserved in no order', range(10, 20), [range(18, 18), range(10, 11)], 8],
  ])('is right for %s', (_what, ports, reserved, count) => {
    expect(ephemeralPortCount(ports, reserved)).toBe(count);
  });

  it('is that of a count by hand', () => {
    const anyRange = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }))
      .map(([one, other]) => range(Math.min(one, other), Math.max(one, other)));
    fc.assert(
      fc.property(anyRange, fc.array(anyRange), (ports, reserved) => {
        let count = 0;
        for (let port = ports.from; port <= ports.to; port++) {
          if (!reserved.some(({ from, to }) => port >= from && port <= to)) count++;
        }
        expect(ephemeralPortCount(ports, reserved)).toBe(count);
      }),
    );
  });
});

function range(from: number, to: number): PortRange {
  return { from, to };
}
