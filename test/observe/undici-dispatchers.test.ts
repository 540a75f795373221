import { EnvHttpProxyAgent, MockAgent, RetryAgent, Agent as SevenAgent } from 'undici';
import { afterEach, describe, expect, it, test } from 'vitest';
import {
  destinationOf,
  globalDispatchers,
  isHiddenProxy,
  isReadable,
  pendingOf,
  socketOf,
  walkClients,
} from '../../src/observe/undici-dispatchers.ts';
import { UNDICI_VERSIONS } from '../support/undici-versions.ts';

const ORIGIN = 'http://127.0.0.1:1';
const opened: { destroy(): Promise<void> }[] = [];

afterEach(async () => {
  for (const dispatcher of opened.splice(0)) await dispatcher.destroy();
});

function opens<T extends { destroy(): Promise<void> }>(dispatcher: T): T {
  opened.push(dispatcher);
  return dispatcher;
}

/** The clients below a dispatcher, and how many requests wait in all. */
function inside(dispatcher: object, host?: string): { clients: number; pending: number; origins: number } {
  const found = { clients: 0, pending: 0, origins: 0 };
  walkClients(dispatcher, host, {
    client(client) {
      found.clients++;
      found.pending += pendingOf(client);
      return false;
    },
    pool(_, queued) {
      found.pending += queued;
    },
    origin() {
      found.origins++;
    },
  });
  return found;
}

describe.each(UNDICI_VERSIONS)('%s', (title, load, runs) => {
  /** A connector that never answers: what is requested waits. */
  const connect = (): void => undefined;
  const ask = (dispatcher: object): void => {
    void load()
      .request(`${ORIGIN}/`, { dispatcher: dispatcher as never })
      .catch(() => undefined);
  };

  runs('a Client is one, with what waits in it', () => {
    const client = opens(new (load().Client)(ORIGIN, { connect }));
    for (let count = 0; count < 3; count++) ask(client);
    expect(inside(client)).toEqual({ clients: 1, pending: 3, origins: 1 });
    expect(socketOf(client)).toBeUndefined();
  });

  runs('a Pool has clients, and a queue of its own where they are all taken', () => {
    const pool = opens(new (load().Pool)(ORIGIN, { connect, connections: 2 }));
    for (let count = 0; count < 5; count++) ask(pool);
    expect(inside(pool)).toEqual({ clients: 2, pending: 5, origins: 1 });
  });

  runs('an Agent has pools by origin, and those of another host are passed over', () => {
    const agent = opens(new (load().Agent)({ connect, connections: 1 }));
    for (let count = 0; count < 5; count++) ask(agent);
    expect(inside(agent)).toEqual({ clients: 1, pending: 5, origins: 1 });
    expect(inside(agent, '127.0.0.1:1').clients).toBe(1);
    expect(inside(agent, '127.0.0.1:2')).toEqual({ clients: 0, pending: 0, origins: 0 });
  });

  runs('a ProxyAgent connects through a client of its own', () => {
    const agent = opens(new (load().ProxyAgent)('http://127.0.0.1:2'));
    void load()
      .request('https://127.0.0.1:1/', { dispatcher: agent })
      .catch(() => undefined);
    expect(inside(agent, '127.0.0.1:1').clients).toBeGreaterThan(0);
    expect(inside(agent, '127.0.0.1:2').clients).toBeGreaterThan(0);
    expect(isHiddenProxy(agent, '127.0.0.1:2')).toBe(true);
    expect(isHiddenProxy(agent, '127.0.0.1:1')).toBe(false);
  });

  runs('what compose() makes of a dispatcher shows that one', () => {
    const agent = opens(new (load().Agent)({ connect }));
    const composed = agent.compose((dispatch) => (options, handler) => dispatch(options, handler));
    ask(composed);
    expect(inside(agent).pending).toBe(1);
    // undici 6 hides it in a private field.
    if (isReadable(composed)) expect(inside(composed)).toEqual(inside(agent));
    else expect(title).toBe('undici 6');
  });
});

describe('what can be seen into', () => {
  it.each([
    ['EnvHttpProxyAgent', (): object => opens(new EnvHttpProxyAgent({ httpProxy: 'http://127.0.0.1:2' })), true],
    ['MockAgent', (): object => new MockAgent(), true],
    ['RetryAgent', (): object => opens(new RetryAgent(new SevenAgent())), false],
    ['a dispatcher of somebody else', (): object => ({ dispatch: () => true }), false],
    ['one without a prototype', (): object => Object.create(null) as object, false],
  ])('%s', (_, create, expected) => {
    const dispatcher = create();
    expect(isReadable(dispatcher)).toBe(expected);
    expect(inside(dispatcher)).toMatchObject({ clients: 0, pending: 0 });
  });

  it('ends in a ring', () => {
    const ring: Record<symbol, unknown> = {};
    ring[Symbol('agent')] = ring;
    expect(inside(ring).clients).toBe(0);
    expect(isHiddenProxy(ring, 'host')).toBe(false);
  });
});

describe('destinationOf', () => {
  it.each([
    ['http://cache:8080', { host: 'cache', port: 8080 }],
    ['http://cache', { host: 'cache', port: 80 }],
    ['https://cache', { host: 'cache', port: 443 }],
    ['https://[::1]:8443', { host: '::1', port: 8443 }],
  ])('%s', (url, expected) => {
    expect(destinationOf(new URL(url))).toEqual(expected);
  });
});

test('the global dispatchers are those that are set', () => {
  // Importing undici sets them.
  expect(globalDispatchers().length).toBeGreaterThan(0);
});
