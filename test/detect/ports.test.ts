// The rules about local ports, which share their advice.
import { describe, expect, test } from 'vitest';
import { checkLocalAddress } from '../../src/detect/local-address.ts';
import { portAdvice } from '../../src/detect/port-advice.ts';
import { checkPortRange } from '../../src/detect/port-range.ts';
import { checkPortsLeft } from '../../src/detect/ports-left.ts';
import type { PortSettings } from '../../src/sockets/port-settings.ts';
import { type UpstreamFacts, upstreamOf } from '../support/upstreams.ts';

const settings = (timeWaitReuse: number | undefined): PortSettings => ({
  localPortRange: { from: 40_000, to: 41_999 },
  reservedPorts: [],
  timeWaitReuse,
});

describe('the local ports that are left', () => {
  const check = (facts: UpstreamFacts): ReturnType<typeof checkPortsLeft> =>
    checkPortsLeft(upstreamOf(facts), settings(0));

  test('are used up: connects fail, with the numbers', () => {
    expect(
      check({
        churn: { portExhaustions: 31, windowMs: 20_000, closedLocallyPerSecond: 99.6 },
        failed: { port_exhausted: 40 },
        ports: { used: 2_000, limit: 2_000, exhaustionMs: 0 },
        timeWait: 1_990,
      }),
    ).toMatchObject({
      kind: 'ports_exhausted',
      severity: 'critical',
      sentence:
        '31 connections to `billing` failed in the last 20 s because no local port was left (2,000 of 2,000 in use ' +
        'towards one destination).',
      evidence: {
        failed: 40,
        used: 2_000,
        limit: 2_000,
        exhaustionMs: 0,
        timeWait: 1_990,
        closedLocallyPerSecond: 99.6,
      },
    });
  });

  test('run out: in how long, and at which churn', () => {
    expect(
      check({
        churn: { openedPerSecond: 402, closedLocallyPerSecond: 400 },
        ports: { used: 1_200, limit: 2_000, exhaustionMs: 2_040 },
      }),
    ).toMatchObject({
      kind: 'ports_running_out',
      severity: 'critical',
      sentence:
        'The local ports for `billing` are used up in 2 s (1,200 of 2,000 in use towards one destination): 402 connections ' +
        'a second are opened, and 400 closed by this process, which hold their ports for 60 s more.',
    });
  });

  const cases: readonly (readonly [string, UpstreamFacts, string | undefined, string | undefined])[] = [
    ['with no end in sight', {}, undefined, undefined],
    ['in a minute', { ports: { exhaustionMs: 60_000 } }, 'ports_running_out', 'warning'],
    ['in less than a minute', { ports: { exhaustionMs: 59_999 } }, 'ports_running_out', 'critical'],
    ['none, and nobody asked yet', { ports: { exhaustionMs: 0 } }, 'ports_running_out', 'critical'],
    ['and were not earlier', { failed: { port_exhausted: 5 } }, 'ports_exhausted', 'info'],
    ['and other failures', { failed: { refused: 5, fd_exhausted: 2 } }, undefined, undefined],
  ];
  test.each(cases)('%s', (_title, facts, kind, severity) => {
    const verdict = check(facts);
    expect([verdict?.kind, verdict?.severity]).toEqual([kind, severity]);
  });

  test('are those of an address where the program binds', () => {
    expect(check({ ports: { exhaustionMs: 5_000, used: 9, limit: 32, isBound: true } })?.sentence).toContain(
      '(9 of 32 in use of its local address)',
    );
  });
});

describe('a range of ports', () => {
  const check = (facts: UpstreamFacts): ReturnType<typeof checkPortRange> =>
    checkPortRange(upstreamOf(facts), settings(0));
  const reusing = { openedPerSecond: 1, requestsPerSecond: 10 };

  test('that is small and used is named with its setting', () => {
    const verdict = check({ ports: { used: 1_500, limit: 2_000 } });
    expect(verdict).toMatchObject({
      kind: 'port_range_small',
      severity: 'warning',
      sentence:
        'There are 2,000 local ports towards one destination (net.ipv4.ip_local_port_range is 40000 41999), fewer than ' +
        'the usual 28,232, and `billing` has 1,500 in use.',
      evidence: { used: 1_500, limit: 2_000, rangeFrom: 40_000, rangeTo: 41_999 },
    });
    expect(verdict?.advice[0]).toMatch(/^Widen the range, now 2,000 ports: `sysctl -w net\.ipv4\.ip_local_port_range=/);
    expect(verdict?.advice.filter((line) => line.startsWith('Widen'))).toHaveLength(1);
  });

  const cases: readonly (readonly [string, UpstreamFacts, string | undefined])[] = [
    ['that is not known', {}, undefined],
    ['of which nothing is known to be used', { ports: { limit: 2_000 } }, undefined],
    ['without a port', { ports: { used: 0, limit: 0 } }, undefined],
    ['that is small and hardly used', { ports: { used: 199, limit: 2_000 } }, undefined],
    ['of which a tenth is used', { ports: { used: 200, limit: 2_000 } }, 'info'],
    ['of which half is used', { ports: { used: 1_000, limit: 2_000 } }, 'warning'],
    ['with an end in sight', { ports: { used: 5, limit: 2_000, exhaustionMs: 9_000 } }, 'warning'],
    ['as usual, with some listeners in it', { ports: { used: 27_000, limit: 28_000 } }, undefined],
    ['a hundredth smaller than usual', { ports: { used: 27_000, limit: 27_900 } }, 'warning'],
    ['as usual, with an end in sight', { ports: { used: 9, limit: 28_232, exhaustionMs: 9_000 } }, undefined],
    ['that good use outgrows', { churn: reusing, ports: { used: 9, limit: 28_232, exhaustionMs: 9_000 } }, 'warning'],
    [
      'that less good use outgrows',
      { churn: { ...reusing, openedPerSecond: 1.1 }, ports: { used: 9, limit: 28_232, exhaustionMs: 9_000 } },
      undefined,
    ],
  ];
  test.each(cases)('%s', (_title, facts, severity) => {
    expect(check(facts)?.severity).toBe(severity);
  });
});

describe('a local address that is set', () => {
  const cases: readonly (readonly [string, UpstreamFacts, string | undefined])[] = [
    ['nowhere', {}, undefined],
    ['with nothing known', { ports: { isBound: true } }, 'info'],
    ['with some ports used', { ports: { isBound: true, used: 999, limit: 2_000 } }, 'info'],
    ['with half of them used', { ports: { isBound: true, used: 1_000, limit: 2_000 } }, 'warning'],
    ['with an end in sight', { ports: { isBound: true, exhaustionMs: 100_000 } }, 'warning'],
  ];
  test.each(cases)('%s', (_title, facts, severity) => {
    expect(checkLocalAddress(upstreamOf(facts))?.severity).toBe(severity);
  });

  test('is named with what it costs', () => {
    const verdict = checkLocalAddress(upstreamOf({ ports: { isBound: true, used: 12, limit: 28_232 } }));
    expect(verdict?.sentence).toBe(
      'The sockets of `billing` are bound to a local address (`localAddress`), so all destinations share the ports of ' +
        'that address: 12 of 28,232 are in use.',
    );
    expect(verdict?.advice).toEqual([expect.stringMatching(/^Remove `localAddress`/)]);
  });
});

describe('advice on ports', () => {
  /** The first words of each line. */
  const firsts = (facts: UpstreamFacts, timeWaitReuse: number | undefined = 2): string[] =>
    portAdvice(upstreamOf(facts), settings(timeWaitReuse)).map((line) => line.split(' ').slice(0, 2).join(' '));

  test('begins with using connections again, where most are not', () => {
    expect(firsts({ ports: { limit: 28_232 } })).toEqual([
      'Use connections',
      'With undici',
      'Widen the',
      'net.ipv4.tcp_tw_reuse is',
      'Connect to',
    ]);
    const reused = { churn: { openedPerSecond: 1, requestsPerSecond: 10 }, ports: { limit: 28_232 } };
    expect(firsts(reused)[0]).toBe('Widen the');
  });

  test('does not widen what is wide', () => {
    expect(firsts({ ports: { limit: 50_000 } })).not.toContain('Widen the');
    expect(firsts({ ports: { limit: 49_999 } })).toContain('Widen the');
  });

  test.each([
    [0, 'tcp_tw_reuse is 0'],
    [1, undefined],
    [2, 'tcp_tw_reuse is 2, which helps over loopback only'],
    [undefined, undefined],
  ])('with tcp_tw_reuse %s', (reuse, said) => {
    const lines = portAdvice(upstreamOf({}), settings(reuse)).filter((line) => line.includes('tcp_tw_reuse'));
    expect(lines).toEqual(said === undefined ? [] : [expect.stringContaining(said)]);
  });

  test('to a program that binds is not to bind: neither tcp_tw_reuse nor more destinations help it', () => {
    expect(firsts({ ports: { isBound: true, limit: 50_000 } })).toEqual([
      'Use connections',
      'With undici',
      'Remove `localAddress`',
    ]);
  });
});
