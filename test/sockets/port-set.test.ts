import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PortSet } from '../../src/sockets/port-set.ts';

const port = (): fc.Arbitrary<number> => fc.integer({ min: 0, max: 0xffff });

test('agrees with a Set under any sequence of operations', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), port())), fc.array(port()), (steps, others) => {
      const ports = new PortSet();
      const model = new Set<number>();
      for (const [adds, each] of steps) {
        if (adds) {
          ports.add(each);
          model.add(each);
        } else {
          ports.delete(each);
          model.delete(each);
        }
      }
      expect(ports.size).toBe(model.size);
      for (const [, each] of steps) expect(ports.has(each)).toBe(model.has(each));
      const other = new PortSet();
      for (const each of [...others, ...[...model].slice(0, 3)]) other.add(each);
      const both = new Set([...others, ...[...model].slice(0, 3)].filter((each) => model.has(each)));
      expect(ports.countIn(other)).toBe(both.size);
      expect(other.countIn(ports)).toBe(both.size);
    }),
  );
});

test('holds the first and the last port, and nothing that is no port', () => {
  const ports = new PortSet();
  for (const each of [0, 65_535, -1, 65_536, 70_000]) ports.add(each);
  expect(ports.size).toBe(2);
  expect([0, 65_535].map((each) => ports.has(each))).toEqual([true, true]);
  expect([-1, 65_536, 70_000].map((each) => ports.has(each))).toEqual([false, false, false]);
  ports.delete(-1);
  expect(ports.size).toBe(2);
});
