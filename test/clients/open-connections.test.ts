// The clients that services use, unmodified, against the servers that they use them with.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { type Moment, tellStory } from '../support/client-story.ts';
import { createUpstreams, type Upstream, type Upstreams } from '../support/upstreams.ts';

/** One client of one server. */
interface Story {
  readonly client: string;
  readonly program: string;
  readonly words?: readonly string[];
  readonly server: (upstreams: Upstreams) => Promise<Upstream>;
  /** Node that the client asks for; none for any. */
  readonly since?: readonly [major: number, minor: number];
  /** A server behind the server, told to the program as its last word. */
  readonly behind?: (upstreams: Upstreams) => Promise<Upstream>;
}

const CLIENTS = process.env['FINWAIT_CLIENTS'] ?? '';
const http = (kind: string) => (upstreams: Upstreams) => upstreams.program('server-http.mjs', kind);

const UNDICI_8 = [22, 19] as const;
const STORIES: readonly Story[] = [
  { client: 'pg', program: 'client-pg.mjs', server: (all) => all.postgres() },
  { client: 'pg over TLS', program: 'client-pg.mjs', words: ['tls'], server: (all) => all.postgres() },
  { client: 'ioredis', program: 'client-ioredis.mjs', server: (all) => all.redis() },
  { client: 'ioredis over TLS', program: 'client-ioredis.mjs', words: ['tls'], server: (all) => all.redisTls() },
  { client: 'undici 6', program: 'client-undici.mjs', words: ['undici6', 'http'], server: http('http') },
  { client: 'undici 7', program: 'client-undici.mjs', words: ['undici7', 'http'], server: http('http') },
  { client: 'undici 7 over TLS', program: 'client-undici.mjs', words: ['undici7', 'https'], server: http('https') },
  {
    client: 'undici 8',
    program: 'client-undici.mjs',
    words: ['undici8', 'http'],
    server: http('http'),
    since: UNDICI_8,
  },
  {
    client: "undici 6's ProxyAgent",
    program: 'client-undici-proxy.mjs',
    words: ['undici6'],
    server: http('proxy'),
    behind: http('https'),
  },
  {
    client: "undici 7's ProxyAgent",
    program: 'client-undici-proxy.mjs',
    words: ['undici7'],
    server: http('proxy'),
    behind: http('https'),
  },
  {
    client: "undici 8's ProxyAgent",
    program: 'client-undici-proxy.mjs',
    words: ['undici8'],
    server: http('proxy'),
    behind: http('https'),
    since: UNDICI_8,
  },
  { client: 'HTTP/2 of Node and undici 7', program: 'client-http2.mjs', words: ['undici7'], server: http('http2') },
  { client: 'axios', program: 'client-axios.mjs', words: ['http'], server: http('http') },
  { client: 'axios over TLS', program: 'client-axios.mjs', words: ['https'], server: http('https') },
  { client: 'fetch', program: 'client-fetch.mjs', words: ['http'], server: http('http') },
  { client: 'fetch over TLS', program: 'client-fetch.mjs', words: ['https'], server: http('https') },
  { client: 'ws', program: 'client-ws.mjs', words: ['ws'], server: http('ws') },
  { client: "Node's WebSocket", program: 'client-ws.mjs', words: ['native'], server: http('ws'), since: [22, 0] },
];

describe('open connections of an upstream are the ESTABLISHED rows of ss, at every rest point', () => {
  const missing = whatIsMissing();
  let library: BuiltLibrary;
  let upstreams: Upstreams;

  beforeAll(() => {
    library = buildLibrary();
    upstreams = createUpstreams();
  });
  afterAll(async () => {
    library.remove();
    await upstreams.remove();
  });

  for (const story of STORIES) {
    if (!isNodeSince(story.since)) continue;
    if (missing !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] !== '1') {
      test.skip(`${story.client} (needs ${missing})`, () => undefined);
      continue;
    }
    test(story.client, async () => {
      expect(missing).toBeUndefined();
      const server = await story.server(upstreams);
      const behind = await story.behind?.(upstreams);
      await behind?.start();
      try {
        const words = [upstreams.ca, ...(story.words ?? []), ...(behind === undefined ? [] : [`${behind.port}`])];
        const env = {
          FINWAIT_DIST: library.folder,
          FINWAIT_CLIENTS: CLIENTS,
          NODE_EXTRA_CA_CERTS: upstreams.ca,
        };
        const moments = await tellStory(story.program, words, server, env);
        expectSame(moments, `localhost:${server.port}`);
      } finally {
        await behind?.stop('SIGKILL');
      }
    }, 30_000);
  }
});

/** Everything finwait says at each rest point, beside what ss showed. */
function expectSame(moments: readonly Moment[], name: string): void {
  const said = moments.map(({ title, open, kernel, node, unbalanced, defects }) => {
    return { title, open, kernel, node, unbalanced, defects };
  });
  const shown = moments.map(({ title, connections, rows }) => ({
    title,
    open: { [name]: connections },
    kernel: Object.keys(rows).length === 0 ? {} : { [name]: rows },
    node: connections === 0 ? {} : { [name]: { established: connections } },
    unbalanced: [],
    defects: [],
  }));
  expect(said).toEqual(shown);
  // The story was told: connections came, went with the server, and came back.
  const counts = moments.map(({ connections }) => connections);
  const down = moments.findIndex(({ title }) => title.endsWith('is down'));
  expect(counts.length).toBeGreaterThanOrEqual(7);
  expect(counts[down]).toBe(0);
  expect(counts[down + 1]).toBeGreaterThan(1);
}

function whatIsMissing(): string | undefined {
  if (CLIENTS === '') return 'FINWAIT_CLIENTS: a folder with ioredis, pg, axios, ws, undici6, undici7 and undici8';
  try {
    createRequire(`${CLIENTS}/x.js`).resolve('pg');
  } catch {
    return `pg in ${CLIENTS}`;
  }
  for (const [tool, look] of [
    ['ss', 'command -v ss'],
    ['redis-server', 'command -v redis-server'],
    ['PostgreSQL', 'ls /usr/lib/postgresql/*/bin/initdb'],
  ]) {
    if (spawnSync('sh', ['-c', look ?? '']).status !== 0) return tool;
  }
  return undefined;
}

function isNodeSince(since: readonly [major: number, minor: number] | undefined): boolean {
  if (since === undefined) return true;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > since[0] || (major === since[0] && minor >= since[1]);
}
