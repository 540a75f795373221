import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Environment, readEnvironment } from '../../src/web/environment.ts';

const DEFAULTS: Environment = {
  options: { sampleIntervalMs: 15_000, sampleTimeoutMs: 5_000, maxNames: 20, sampleTcpInfo: false, level: 'standard' },
  observe: { findExisting: 'handles' },
  serve: { host: '127.0.0.1', port: 9464, prefix: undefined, withApplication: false },
  logLeaks: true,
  complaints: [],
};

describe('the variables FINWAIT_*', () => {
  it('are all optional', () => {
    expect(readEnvironment({})).toEqual(DEFAULTS);
    expect(readEnvironment({ PATH: '/bin', finwait_port: 'x', NODE_OPTIONS: '--import finwait/register' })).toEqual(
      DEFAULTS,
    );
  });

  it('count as unset when empty', () => {
    expect(readEnvironment({ FINWAIT_PORT: '', FINWAIT_HOST: '', FINWAIT_MAX_NAMES: '' })).toEqual(DEFAULTS);
  });

  test.each([
    ['FINWAIT_PORT', '0', { port: 0 }],
    ['FINWAIT_PORT', '65535', { port: 65_535 }],
    ['FINWAIT_HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['FINWAIT_HOST', '::', { host: '::' }],
    ['FINWAIT_HOST', 'localhost', { host: '127.0.0.1' }],
    ['FINWAIT_PREFIX', 'my_app:', { prefix: 'my_app:' }],
    ['FINWAIT_APP_METRICS', 'true', { withApplication: true }],
    ['FINWAIT_APP_METRICS', '0', { withApplication: false }],
  ])('%s=%s is served so', (name, value, expected) => {
    const { serve, ...rest } = readEnvironment({ [name]: value });
    expect(serve).toEqual({ ...DEFAULTS.serve, ...expected });
    expect(rest).toEqual({ options: DEFAULTS.options, observe: DEFAULTS.observe, logLeaks: true, complaints: [] });
  });

  test.each([
    ['FINWAIT_SAMPLE_INTERVAL_MS', '100', { sampleIntervalMs: 100 }],
    ['FINWAIT_SAMPLE_INTERVAL_MS', '3600000', { sampleIntervalMs: 3_600_000 }],
    ['FINWAIT_SAMPLE_TIMEOUT_MS', '60000', { sampleTimeoutMs: 60_000 }],
    ['FINWAIT_MAX_NAMES', '1', { maxNames: 1 }],
    ['FINWAIT_SAMPLE_TCP_INFO', '1', { sampleTcpInfo: true }],
    ['FINWAIT_LEVEL', 'full', { level: 'full' }],
  ])('%s=%s is an option of the monitor', (name, value, expected) => {
    expect(readEnvironment({ [name]: value })).toEqual({
      ...DEFAULTS,
      options: { ...DEFAULTS.options, ...expected },
    });
  });

  it('FINWAIT_LOG_LEAKS=false keeps leaks off stderr', () => {
    expect(readEnvironment({ FINWAIT_LOG_LEAKS: 'false' })).toEqual({ ...DEFAULTS, logLeaks: false });
  });

  test.each(['handles', 'heap', 'none'])('FINWAIT_FIND_EXISTING=%s is an option of observeProcess', (findExisting) => {
    expect(readEnvironment({ FINWAIT_FIND_EXISTING: findExisting })).toEqual({
      ...DEFAULTS,
      observe: { findExisting },
    });
  });

  test.each([
    ['FINWAIT_PORT', '65536', 'a port from 1 to 65535, or 0 for any that is free'],
    ['FINWAIT_PORT', '-1', 'a port from 1 to 65535, or 0 for any that is free'],
    ['FINWAIT_PORT', '0x10', 'a port from 1 to 65535, or 0 for any that is free'],
    ['FINWAIT_PORT', ' 80', 'a port from 1 to 65535, or 0 for any that is free'],
    ['FINWAIT_HOST', 'example.com', 'an IP address or localhost'],
    ['FINWAIT_HOST', '127.0.0.256', 'an IP address or localhost'],
    ['FINWAIT_PREFIX', '1st_', "letters, digits, '_' and ':', not beginning with a digit"],
    ['FINWAIT_PREFIX', 'my-app_', "letters, digits, '_' and ':', not beginning with a digit"],
  ])('%s=%s is refused, and then nothing is served', (name, value, allowed) => {
    expect(readEnvironment({ [name]: value })).toEqual({
      ...DEFAULTS,
      serve: undefined,
      complaints: [`${name} is ${allowed}, received "${value}": /metrics is not served`],
    });
  });

  test.each([
    ['FINWAIT_SAMPLE_INTERVAL_MS', '99', 'an integer from 100 to 3600000', '15000 is used'],
    ['FINWAIT_SAMPLE_INTERVAL_MS', '15s', 'an integer from 100 to 3600000', '15000 is used'],
    ['FINWAIT_SAMPLE_TIMEOUT_MS', '60001', 'an integer from 100 to 60000', '5000 is used'],
    ['FINWAIT_MAX_NAMES', '0', 'an integer from 1 to 1000', '20 is used'],
    ['FINWAIT_SAMPLE_TCP_INFO', 'yes', 'true, false, 1 or 0', 'none is sampled'],
    ['FINWAIT_LEVEL', 'all', 'standard or full', 'standard is used'],
    ['FINWAIT_FIND_EXISTING', 'Heap', 'handles, heap or none', 'handles is used'],
    ['FINWAIT_APP_METRICS', 'toString', 'true, false, 1 or 0', 'they are not served'],
  ])('%s=%s is refused, and the default holds', (name, value, allowed, consequence) => {
    expect(readEnvironment({ [name]: value })).toEqual({
      ...DEFAULTS,
      complaints: [`${name} is ${allowed}, received "${value}": ${consequence}`],
    });
  });

  it('that there are not are told in one line, with those that there are', () => {
    const { complaints } = readEnvironment({ FINWAIT_PROT: '1', FINWAIT_HOTS: 'x', FINWAIT_PORT: '1' });
    expect(complaints).toEqual([
      'unknown: "FINWAIT_PROT, FINWAIT_HOTS"; known are FINWAIT_PORT, FINWAIT_HOST, FINWAIT_PREFIX, ' +
        'FINWAIT_APP_METRICS, FINWAIT_SAMPLE_INTERVAL_MS, FINWAIT_SAMPLE_TIMEOUT_MS, FINWAIT_MAX_NAMES, ' +
        'FINWAIT_SAMPLE_TCP_INFO, FINWAIT_LEVEL, FINWAIT_LOG_LEAKS, FINWAIT_FIND_EXISTING',
    ]);
  });

  it('that Kubernetes sets for a Service called finwait are nobody’s wish', () => {
    const links = {
      FINWAIT_PORT: 'tcp://10.96.0.7:9464',
      FINWAIT_PORT_9464_TCP: 'tcp://10.96.0.7:9464',
      FINWAIT_PORT_9464_TCP_ADDR: '10.96.0.7',
      FINWAIT_SERVICE_HOST: '10.96.0.7',
      FINWAIT_SERVICE_PORT: '9464',
      FINWAIT_SERVICE_PORT_METRICS: '9464',
    };
    expect(readEnvironment(links)).toEqual(DEFAULTS);
  });

  it('never throw, and each complaint is one line that is not long', () => {
    const name = fc.constantFrom('PORT', 'HOST', 'PREFIX', 'MAX_NAMES', 'SAMPLE_TCP_INFO', 'OTHER\nNAME', '');
    const variable = fc.tuple(
      name.map((end) => `FINWAIT_${end}`),
      fc.string({ unit: 'binary', maxLength: 500 }),
    );
    fc.assert(
      fc.property(fc.array(variable), (variables) => {
        const { options, complaints } = readEnvironment(Object.fromEntries(variables));
        for (const complaint of complaints) {
          expect(complaint).not.toContain('\n');
          expect(complaint.length).toBeLessThan(2_000);
        }
        expect(options.sampleIntervalMs).toBe(15_000);
      }),
    );
  });
});
