import { expect, test } from 'vitest';
import { metricName, select } from '../../grafana/promql.ts';

test('a selector carries the prefix, further matchers and labels, quoted', () => {
  expect(select('info')).toBe('nodejs_tcp_info');
  expect(select('sockets', { side: 'client', name: 'a"b', state: 'close_wait' }, ['job=~"$job"'])).toBe(
    String.raw`nodejs_tcp_sockets{job=~"$job", side="client", name="a\"b", state="close_wait"}`,
  );
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
