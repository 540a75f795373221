import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONNECT_FAILURES } from '../../src/sockets/connect-failure.ts';
import { ATTEMPT_RESULTS, CONNECT_PHASES, Connects, FAMILIES } from '../../src/sockets/connects.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { SocketRecord } from '../../src/sockets/record.ts';

const NAMES = ['a', 'b'];

describe('the ledger of connect operations', () => {
  test('balances for every name at every moment, in whatever order things happen', () => {
    const step = fc.record({
      who: fc.nat(3),
      what: fc.constantFrom('begin', 'name', 'count', 'attempt', 'end attempt', 'phase', 'succeed', 'fail', 'release'),
      name: fc.constantFrom(...NAMES),
      failure: fc.constantFrom(...CONNECT_FAILURES),
      result: fc.constantFrom(...ATTEMPT_RESULTS),
      phase: fc.constantFrom(...CONNECT_PHASES),
      isIpv6: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new Ledger(4, true);
        const records = Array.from({ length: 4 }, () => new SocketRecord({}, 0, 0));
        let at = 0;
        for (const { who, what, name, failure, result, phase, isIpv6 } of steps) {
          const record = records[who] as SocketRecord;
          at += 10;
          if (what === 'begin') ledger.beginConnect(record, at);
          else if (what === 'name' && record.slot < 0) ledger.assign(record, 'client', name, false, at);
          else if (what === 'count') ledger.countConnect(record);
          else if (what === 'attempt') ledger.beginAttempt(record, isIpv6);
          else if (what === 'end attempt') ledger.endAttempt(record, result);
          else if (what === 'phase') ledger.endConnectPhase(record, phase, at);
          else if (what === 'succeed') ledger.endConnect(record, undefined);
          else if (what === 'fail') ledger.endConnect(record, failure);
          else if (what === 'release') ledger.release(record, at);
          expectBalanced(ledger);
        }
        for (const record of records) ledger.endConnect(record, 'other');
        for (const { slot } of ledger.names.entries()) expect(ledger.connects.pending(slot)).toBe(0);
      }),
    );
  });

  test('begins anew for a slot that another name is given', () => {
    const connects = new Connects(3, true);
    for (const slot of [1, 2]) {
      connects.start(slot);
      connects.start(slot);
      connects.succeed(slot);
      connects.fail(slot, 'refused');
      connects.observe(slot, 'tcp', 0.002);
    }
    connects.forget(1);
    expect([connects.started(1), connects.succeeded(1), connects.failed(1, 'refused'), connects.pending(1)]).toEqual([
      0, 0, 0, 0,
    ]);
    expect([connects.started(2), connects.succeeded(2), connects.failed(2, 'refused'), connects.pending(2)]).toEqual([
      2, 1, 1, 0,
    ]);
    // What is not by name is nobody's to forget.
    expect(connects.durations.tcp.count).toBe(2);
  });

  test('counts an attempt once, by its family and its result', () => {
    const connects = new Connects(1, false);
    for (const family of FAMILIES) for (const result of ATTEMPT_RESULTS) connects.endAttempt(family, result);
    connects.endAttempt('ipv6', 'timed_out');
    for (const family of FAMILIES) {
      for (const result of ATTEMPT_RESULTS) {
        expect(connects.attempts(family, result)).toBe(family === 'ipv6' && result === 'timed_out' ? 2 : 1);
      }
    }
  });

  test('has an edge just above each retransmission of the SYN', () => {
    const { bounds } = new Connects(1, false).durations.tcp;
    for (const retransmittedSeconds of [1, 3]) {
      const edges = bounds.filter((bound) => bound >= retransmittedSeconds && bound < retransmittedSeconds + 0.6);
      expect(edges).toHaveLength(2);
    }
  });
});

function expectBalanced({ names, connects }: Ledger): void {
  for (const { slot } of names.entries()) {
    const failed = CONNECT_FAILURES.reduce((sum, failure) => sum + connects.failed(slot, failure), 0);
    expect(connects.pending(slot)).toBeGreaterThanOrEqual(0);
    expect(connects.started(slot)).toBe(connects.succeeded(slot) + failed + connects.pending(slot));
  }
}
