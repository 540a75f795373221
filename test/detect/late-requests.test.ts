import { describe, expect, test } from 'vitest';
import { checkLateRequests } from '../../src/detect/late-requests.ts';
import type { ServerUse } from '../../src/detect/server-use.ts';

const use = (timeouts: number, given: Partial<ServerUse> = {}): ServerUse => ({
  name: 'api',
  requests: 50_000,
  keepAliveSeconds: 5,
  idleCloses: { keep_alive_timeout: timeouts, local: 0, remote: 3 },
  saturation: undefined,
  ...given,
});

describe('requests that come too late', () => {
  test('are named with the timeout, the closes and what to set', () => {
    expect(checkLateRequests(use(1_200))).toEqual({
      kind: 'late_requests',
      name: 'api',
      side: 'server',
      severity: 'info',
      sentence:
        '`api` closed 1,200 idle connections by its keep-alive timeout after 5 s, over 50,000 requests: one that arrives ' +
        'just then is reset by the kernel, and Node never sees it.',
      advice: [
        expect.stringContaining('`server.keepAliveTimeout` longer than its idle timeout: 65000 for 60 s'),
        expect.anything(),
      ],
      evidence: { idleTimeouts: 1_200, idleClosesRemote: 3, requests: 50_000, keepAliveSeconds: 5 },
    });
  });

  test.each([
    ['no idle connection was closed', use(0), false],
    ['few were', use(9), false],
    ['enough were', use(10), true],
    ['it is a try', use(10, { requests: 999 }), false],
    ['it is a service', use(10, { requests: 1_000 }), true],
    ['the timeout is that of the usual front', use(10, { keepAliveSeconds: 60 }), true],
    ['it is longer', use(10, { keepAliveSeconds: 65 }), false],
    ['it is not known', use(10, { keepAliveSeconds: undefined }), true],
  ])('where %s', (_title, facts, isSaid) => {
    expect(checkLateRequests(facts) !== undefined).toBe(isSaid);
  });
});
