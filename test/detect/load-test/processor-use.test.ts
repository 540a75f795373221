import { describe, expect, test } from 'vitest';
import type { LimitKind } from '../../../src/detect/load-test/finding.ts';
import { findingsOf } from '../../../src/detect/load-test/findings.ts';
import type { ProcessSample } from '../../../src/detect/load-test/load-sample.ts';
import { type GivenLook, loadRunOf } from '../../support/load-runs.ts';

const using = (target: Partial<ProcessSample>, generator: Partial<ProcessSample>) =>
  loadRunOf({ look: () => ({ target, generator }) });

describe('processor time', () => {
  test.each<[string, Partial<ProcessSample>, Partial<ProcessSample>, LimitKind[]]>([
    ['of the server is used up', { busiestThread: 0.97 }, { busiestThread: 0.3 }, ['server_busy']],
    ['of the server is nearly used up', { busiestThread: 0.89 }, { busiestThread: 0.3 }, []],
    ['of the generator is used up', { busiestThread: 0.6 }, { busiestThread: 0.99 }, ['generator_limited']],
    ['of the generator is nearly used up', { busiestThread: 0.6 }, { busiestThread: 0.84 }, []],
    ['of the generator is used up, and of the server nearly', { busiestThread: 0.81 }, { busiestThread: 0.99 }, []],
    ['of both is used up', { busiestThread: 1 }, { busiestThread: 1 }, ['server_busy']],
    [
      'is short on a host that others use: the server waits for it',
      { busiestThread: 0.4, waitedForProcessor: 0.55 },
      { busiestThread: 0.1, waitedForProcessor: 0.3 },
      ['server_busy'],
    ],
    [
      'is short on a host that others use: the generator waits for it',
      { busiestThread: 0.2, waitedForProcessor: 0.3 },
      { busiestThread: 0.3, waitedForProcessor: 0.6 },
      ['generator_limited'],
    ],
    [
      'is short for both, and for the generator most',
      { busiestThread: 0.06, waitedForProcessor: 0.3 },
      { busiestThread: 0.2, waitedForProcessor: 0.6 },
      ['generator_limited'],
    ],
    [
      'is short for both alike',
      { busiestThread: 0.15, waitedForProcessor: 0.4 },
      { busiestThread: 0.2, waitedForProcessor: 0.6 },
      [],
    ],
    [
      'of all processors is used by a generator of many threads',
      { busiestThread: 0.5, cpuCores: 0.5 },
      { busiestThread: 0.4, cpuCores: 1.5 },
      ['generator_limited'],
    ],
    [
      'of all processors is used by a server of many processes',
      { busiestThread: 0.5, cpuCores: 1.5 },
      { busiestThread: 0.4, cpuCores: 0.5 },
      [],
    ],
    [
      'is short on a host that others use, for both',
      { busiestThread: 0.3, waitedForProcessor: 0.3 },
      { busiestThread: 0.3, waitedForProcessor: 0.3 },
      ['server_busy'],
    ],
    ['is short for a server that has little to do', { busiestThread: 0.1, waitedForProcessor: 0.6 }, {}, []],
    [
      'is short now and then',
      { busiestThread: 0.3, waitedForProcessor: 0.29 },
      { busiestThread: 0.3, waitedForProcessor: 0.3 },
      [],
    ],
    ['is left', { busiestThread: 0.28 }, { busiestThread: 0.2 }, []],
  ])('%s', (_, target, generator, kinds) => {
    expect(findingsOf(using(target, generator)).map(({ kind }) => kind)).toEqual(kinds);
  });

  test('that is waited for is told from what is used', () => {
    expect(findingsOf(using({ busiestThread: 1 }, {}))[0]?.sentence).toBe(
      'The busiest thread of the server used 100% of a core: it could compute no more.',
    );
    expect(findingsOf(using({ busiestThread: 0.4, waitedForProcessor: 0.6 }, {}))[0]?.sentence).toBe(
      'The busiest thread of the server had something to do all the time, and a processor for 40% of it: this host had no more to give.',
    );
  });

  test('is told beside what only costs, and beside a leak, and not beside what fails', () => {
    const kindsOf = (look: GivenLook, isAfter = false) =>
      findingsOf(
        loadRunOf({
          look: ({ phase }) => ({ target: { busiestThread: 1 }, ...(isAfter === (phase === 'after') ? look : {}) }),
        }),
      ).map(({ kind }) => kind);
    expect(kindsOf({ acceptQueue: { connections: 512, limit: 511 }, counters: {} })).toEqual(['server_busy']);
    expect(kindsOf({ target: { busiestThread: 1, openFds: 1_024 } })).toEqual(['descriptors_exhausted']);
    expect(kindsOf({ serverEnd: { closeWaitHeld: 5 } }, true)).toEqual(['leak', 'server_busy']);
  });

  test('is not judged where a queue is half full: it is not the generator that is waited for', () => {
    const run = loadRunOf({
      look: () => ({
        target: { busiestThread: 0.5 },
        generator: { busiestThread: 1 },
        acceptQueue: { connections: 300, limit: 511 },
      }),
    });
    expect(findingsOf(run)).toEqual([]);
  });

  test('is not judged by the few looks of a short load', () => {
    expect(findingsOf(loadRunOf({ seconds: 1, look: () => ({ target: { busiestThread: 1 } }) }))).toEqual([]);
  });
});
