import { expect, test } from 'vitest';
import type { LoadSample } from '../../src/detect/load-test/load-sample.ts';
import { isBlind, withoutInside } from '../../src/diagnose/blind-inside.ts';

/** A look: what the kernel shows at the server, and what finwait says it has opened and has open. */
const look = (established: number, opened?: number, open = 0): LoadSample =>
  ({
    atMs: 0,
    table: { server: { established } },
    ...(opened === undefined ? {} : { inside: { opened: { server: opened }, serverStates: { established: open } } }),
  }) as unknown as LoadSample;

test.each<[string, LoadSample[], boolean]>([
  ['none of the connections that the kernel shows', [look(0, 7), look(50), look(50, 7)], true],
  ['some of them', [look(0, 7), look(50, 57)], false],
  ['those that were there before', [look(50, 50, 50), look(50, 50, 50)], false],
  ['nothing, where there is nothing', [look(0, 7), look(2, 7)], false],
  ['nothing at all, because it is not there', [look(0), look(50)], false],
])('finwait inside has seen %s', (_, samples, blind) => expect(isBlind(samples)).toBe(blind));

test('without what finwait inside said the looks are as they were', () => {
  expect(withoutInside([look(3, 7)])).toEqual([look(3)]);
});
