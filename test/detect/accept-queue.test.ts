import { describe, expect, test } from 'vitest';
import { checkAcceptQueue } from '../../src/detect/accept-queue.ts';
import type { Saturation, ServerUse } from '../../src/detect/server-use.ts';

const FULL: Saturation = { connections: 9, limit: 9, agoMs: 4_000, loopBlockedMs: 3, overflows: 120 };

function server(given: Partial<Saturation> | undefined): ServerUse {
  return {
    name: 'api',
    requests: 50_000,
    keepAliveSeconds: 5,
    idleCloses: { keep_alive_timeout: 0, local: 0, remote: 0 },
    saturation: given && { ...FULL, ...given },
  };
}

describe('an accept queue that was full', () => {
  test('while the loop was blocked is the loop’s doing, and no backlog helps', () => {
    const verdict = checkAcceptQueue(server({ loopBlockedMs: 900 }), { maxBacklog: 4_096 });
    expect(verdict?.kind).toBe('accept_queue_full');
    expect(verdict?.sentence).toContain('the event loop did nothing else than one piece of work for at least 900 ms');
    expect(verdict?.sentence).toContain('120 connections found no place (a count of the whole network namespace)');
    expect(verdict?.advice.join(' ')).not.toContain('listen(');
    expect(verdict?.evidence).toEqual({ connections: 9, limit: 9, loopBlockedMs: 900, overflows: 120 });
  });

  test('while the loop was free is too short: the backlog', () => {
    const verdict = checkAcceptQueue(server({ overflows: 0 }), { maxBacklog: 4_096 });
    expect(verdict?.sentence).toBe(
      '9 connections waited to be accepted by `api` 4 s ago, and its queue takes 9, though the event loop was free: more connections arrive at a time than there is room for.',
    );
    expect(verdict?.advice[0]).toContain('server.listen({ port, backlog: 4096 })');
    expect(verdict?.evidence).toEqual({ connections: 9, limit: 9, loopBlockedMs: 3, overflows: 0, somaxconn: 4_096 });
  });

  test('at the kernel’s own limit needs that raised before the backlog', () => {
    const verdict = checkAcceptQueue(server({ connections: 129, limit: 129 }), { maxBacklog: 128 });
    expect(verdict?.advice[0]).toContain('`net.core.somaxconn` first: it is 128 here');
    expect(verdict?.advice).toHaveLength(2);
  });

  test.each([
    ['never', undefined],
    ['more than five minutes ago', { agoMs: 300_001 }],
  ])('%s is no verdict', (_, given) => {
    expect(checkAcceptQueue(server(given), undefined)).toBeUndefined();
  });
});
