import { expect, test, vi } from 'vitest';
import type { ObserveContext } from '../../src/observe/context.ts';
import { socketEvents } from '../../src/observe/socket-events.ts';
import { WATCHED } from '../../src/observe/tap.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';

test('a socket that throws when it is read is reported, before and after the listeners of the program', () => {
  const report = vi.fn();
  const context: Partial<ObserveContext> = { ledger: new Ledger(20), report, now: () => 0 };
  const { before, after } = socketEvents(context as ObserveContext);
  const error = new Error('no');
  const socket = {
    get destroyed(): boolean {
      throw error;
    },
    get readableEnded(): boolean {
      throw error;
    },
  };
  const record = new SocketRecord(socket, FLAG.open, 0);
  expect(before(record, socket, WATCHED.end, undefined, undefined, undefined)).toBe(false);
  expect(() => after(record, socket, WATCHED.end)).not.toThrow();
  expect(report.mock.calls).toEqual([
    ['observer', error],
    ['observer', error],
  ]);
});
