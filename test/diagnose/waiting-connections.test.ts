import { expect, test } from 'vitest';
import { addWaiting, WaitingConnections } from '../../src/diagnose/waiting-connections.ts';
import { rowOf } from '../support/row.ts';

test('one that waits in two tables has waited from the end of the first to the start of the second, at least', () => {
  const waiting = new WaitingConnections();
  expect(waiting.update(new Set([1, 2]), 0, 10)).toBe(0);
  expect(waiting.update(new Set([2, 3]), 260, 270)).toBe(250);
  expect(waiting.update(new Set([2, 3]), 520, 530)).toBe(510);
  expect(waiting.update(new Set([3]), 780, 790)).toBe(510);
  expect(waiting.update(new Set(), 1_000, 1_010)).toBe(0);
  expect(waiting.update(new Set([3]), 1_250, 1_260)).toBe(0);
});

test('a row without a cookie is known by its endpoints', () => {
  const waiting = new Set<number | string>();
  addWaiting(waiting, rowOf('ESTABLISHED', '127.0.0.1:80', '127.0.0.1:5000', { cookie: 7 }));
  addWaiting(waiting, rowOf('ESTABLISHED', '127.0.0.1:80', '127.0.0.1:5001'));
  expect([...waiting]).toEqual([7, '127.0.0.1:80 127.0.0.1:5001']);
});
