import { expect, test } from 'vitest';
import { bucketUpTo, metricName, select } from '../../grafana/promql.ts';
import { CONNECTS_SLOW } from '../../grafana/thresholds.ts';
import { Connects } from '../../src/sockets/connects.ts';

test('a selector carries the prefix, further matchers and labels, quoted', () => {
  expect(select('info')).toBe('nodejs_tcp_info');
  expect(select('sockets', { side: 'client', name: 'a"b', state: 'close_wait' }, ['job=~"$job"'])).toBe(
    String.raw`nodejs_tcp_sockets{job=~"$job", side="client", name="a\"b", state="close_wait"}`,
  );
});

test('a value may be ruled out, and is checked like any other', () => {
  expect(select('connect_failures_total', { reason: { not: 'aborted' } })).toBe(
    'nodejs_tcp_connect_failures_total{reason!="aborted"}',
  );
  expect(() => select('connect_failures_total', { reason: { not: 'abort' } })).toThrow('reason is never abort');
});

test('a bucket is found by its bound as any Prometheus writes it', () => {
  expect(bucketUpTo(1)).toBe('le=~"1|1[.]0"');
  expect(bucketUpTo(0.25)).toBe('le=~"0[.]25"');
});

test('what a slow handshake is measured by is a bound of its histogram', () => {
  expect(new Connects(1, false).durations.tcp.bounds).toContain(CONNECTS_SLOW.above);
});

test('a label that the metric does not carry is refused', () => {
  expect(() => select('netns_sockets', { side: 'client' })).toThrow('netns_sockets has no label side');
});

test('a value outside its closed set is refused', () => {
  expect(() => select('sockets', { state: 'CLOSE_WAIT' })).toThrow('state is never CLOSE_WAIT');
});

test('a histogram is named by one of its series, and nothing else is', () => {
  expect(metricName('collector_duration_seconds', 'bucket')).toBe('nodejs_tcp_collector_duration_seconds_bucket');
  expect(() => metricName('collector_duration_seconds')).toThrow('series none');
  expect(() => metricName('sockets', 'sum')).toThrow('series sum');
});

test('a metric may have values of its own for a label', () => {
  expect(select('close_wait_sockets', { side: 'unknown', cause: 'untracked' })).toContain('side="unknown"');
  expect(() => select('node_sockets', { side: 'unknown' })).toThrow('side is never unknown');
  expect(() => select('close_wait_sockets', { cause: 'keep_alive_timeout' })).toThrow(
    'cause is never keep_alive_timeout',
  );
});
