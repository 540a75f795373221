import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import type { PortSample } from '../../../src/detect/load-test/load-sample.ts';
import { checkPortsExhausted } from '../../../src/detect/load-test/ports-exhausted.ts';
import { checkPortsRunningOut } from '../../../src/detect/load-test/ports-running-out.ts';
import { loadRunOf } from '../../support/load-runs.ts';

const port = (used: number, given: Partial<PortSample> = {}): PortSample => ({
  whose: 'callers',
  destination: '10.0.0.9:3000',
  used,
  timeWait: used,
  limit: 2_000,
  ...given,
});

/** Ports in use that grow over the load. */
const growing = (from: number, to: number, given: Partial<PortSample> = {}, settings: object = {}) =>
  loadRunOf({
    look: ({ steady }) => ({ ports: [port(Math.round(from + (to - from) * steady), given)] }),
    settings: { processors: 2, timeWaitReuse: 0, localPortRange: { from: 40_000, to: 41_999 }, ...settings },
  });

describe('local ports', () => {
  test.each([
    // In use at the begin and at the end, of 2,000.
    [0, 2_000, ['ports_exhausted']],
    [2_000, 2_000, ['ports_exhausted']],
    [1_960, 1_960, ['ports_exhausted']],
    [1_959, 1_959, ['ports_running_out']],
    [1_500, 1_500, ['ports_running_out']],
    [1_499, 1_499, []],
    [0, 1_300, ['ports_running_out']],
    [1_000, 1_001, []],
    [0, 900, []],
    [1_400, 1_000, []],
    [10, 10, []],
  ])('from %d to %d of 2,000 in use: %j', (from, to, kinds) => {
    const run = growing(from, to);
    expect(findingsOf(run).map(({ kind }) => kind)).toEqual(kinds);
  });

  test('that are all taken name the destination, whose they are and what to change', () => {
    const found = checkPortsExhausted(growing(2_000, 2_000, { timeWait: 1_980 }));
    expect(found?.confidence).toBe('proven');
    expect(found?.sentence).toBe(
      'No local port was left to the load generator towards 10.0.0.9:3000: 2,000 of 2,000 in use, 1,980 of them in TIME_WAIT. Its connects failed with EADDRNOTAVAIL.',
    );
    expect(found?.advice.join(' ')).toMatch(
      /^Use connections again.*Widen the range, now 2,000 ports.*net\.ipv4\.tcp_tw_reuse is 0/,
    );
    const outbound = checkPortsExhausted(growing(2_000, 2_000, { whose: 'outbound' }));
    expect(outbound?.sentence).toMatch(/^No local port was left to the server towards/);
    expect(outbound?.evidence[0]?.scope).toBe('target');
  });

  test('that open connections hold are not to be had by keep-alive', () => {
    const found = checkPortsExhausted(growing(2_000, 2_000, { timeWait: 10 }));
    expect(found?.advice[0]).toMatch(/^Widen the range/);
    expect(found?.advice.join(' ')).not.toMatch(/tcp_tw_reuse/);
  });

  test('that run out say when', () => {
    expect(checkPortsRunningOut(growing(0, 1_400))?.sentence).toMatch(
      /^1,\d+ of 2,000 local ports of the load generator .*: at this rate none is left [\d.]+ s later\.$/,
    );
  });

  test('that stay at half of the range do not run out: connect(2) takes those of one parity first', () => {
    const run = loadRunOf({ look: ({ share }) => ({ ports: [port(Math.min(1, share * 3) * 1_040)] }) });
    expect(findingsOf(run)).toEqual([]);
  });

  test.each([
    // What TIME_WAITs hold of the ports, the setting, and the destination.
    ['all', 2, '127.0.0.1:3000', []],
    ['all', 2, '[::1]:3000', []],
    ['all', 1, '10.0.0.9:3000', []],
    ['all', 2, '10.0.0.9:3000', ['ports_running_out']],
    ['all', 0, '127.0.0.1:3000', ['ports_running_out']],
    ['none', 2, '127.0.0.1:3000', ['ports_running_out']],
  ] as const)(
    'that come back after a second are no growth: %s in TIME_WAIT, tcp_tw_reuse %d, %s',
    (held, timeWaitReuse, destination, kinds) => {
      const run = loadRunOf({
        // The first second's closes, and no more: later ones take their ports over.
        look: ({ steady }) => {
          const used = Math.round(1_300 * steady);
          return { ports: [port(used, { destination, timeWait: held === 'all' ? used : 0 })] };
        },
        settings: { processors: 2, timeWaitReuse },
      });
      expect(findingsOf(run).map(({ kind }) => kind)).toEqual(kinds);
    },
  );

  test('of which the limit is not known are not judged', () => {
    const { limit: _, ...unknown } = port(50_000);
    expect(findingsOf(loadRunOf({ look: () => ({ ports: [unknown] }) }))).toEqual([]);
  });

  test('that failed a connect of the server, by what finwait inside counts, are proven whatever the table shows', () => {
    const run = loadRunOf({
      look: ({ share }) => ({
        ports: [port(1_700, { whose: 'outbound' })],
        inside: { connectFailures: { port_exhausted: share * 40 } },
      }),
    });
    expect(checkPortsExhausted(run)?.confidence).toBe('proven');
    expect(checkPortsExhausted(run)?.sentence).toMatch(
      /^Hardly a local port was left to the server .* connects of the server failed/,
    );
  });
});
