// Which clients are held against which servers.
import type { Upstream, Upstreams } from '../support/upstream-servers.ts';

/** A program that uses one client of one server, and changes its pool while the server goes and comes back. */
export interface Story {
  readonly client: string;
  /** A file of test/fixtures/programs, and what it is told beside the port and the certificate. */
  readonly program: string;
  readonly words: readonly string[];
  readonly server: (upstreams: Upstreams) => Promise<Upstream>;
  /** A server behind that one, whose port is the program's last word. */
  readonly behind?: (upstreams: Upstreams) => Promise<Upstream>;
  /** The Node that the client asks for. */
  readonly since?: readonly [major: number, minor: number];
  /** The program has finwait by `--import finwait/register`, and is asked for its /metrics too. */
  readonly registered?: true;
}

/** Under these names the packages are installed, each as npm has it. */
export const PACKAGES: readonly string[] = ['ioredis', 'pg', 'axios', 'ws', 'undici6', 'undici7', 'undici8'];

const REGISTERED = { registered: true } as const;

/** Each client at least once through either door. */
export const STORIES: readonly Story[] = [
  { client: 'pg', program: 'client-pg.mjs', words: [], server: (all) => all.postgres() },
  { client: 'pg over TLS', program: 'client-pg.mjs', words: ['tls'], server: (all) => all.postgres(), ...REGISTERED },
  { client: 'ioredis', program: 'client-ioredis.mjs', words: [], server: (all) => all.redis(), ...REGISTERED },
  { client: 'ioredis over TLS', program: 'client-ioredis.mjs', words: ['tls'], server: (all) => all.redisTls() },
  { client: 'axios', program: 'client-axios.mjs', words: ['http'], server: ours('http') },
  { client: 'axios over TLS', program: 'client-axios.mjs', words: ['https'], server: ours('https'), ...REGISTERED },
  { client: 'ws', program: 'client-ws.mjs', words: ['ws'], server: ours('ws') },
  { client: 'ws', program: 'client-ws.mjs', words: ['ws'], server: ours('ws'), ...REGISTERED },
  { client: "Node's WebSocket", program: 'client-ws.mjs', words: ['native'], server: ours('ws'), since: [22, 0] },
  { client: 'fetch', program: 'client-fetch.mjs', words: ['http'], server: ours('http') },
  {
    client: 'fetch over TLS',
    program: 'client-fetch.mjs',
    words: ['https'],
    server: ours('https'),
    ...REGISTERED,
  },
  undici(6, 'http'),
  undici(7, 'http'),
  { ...undici(7, 'https'), ...REGISTERED },
  undici(8, 'https'),
  { ...proxyAgent(6), ...REGISTERED },
  proxyAgent(7),
  { ...proxyAgent(8), ...REGISTERED },
  http2(7),
  { ...http2(8), ...REGISTERED },
];

/** The server of test/fixtures/programs, of one of its kinds. */
function ours(kind: 'http' | 'https' | 'http2' | 'ws' | 'proxy'): Story['server'] {
  return (upstreams) => upstreams.program('server-http.mjs', kind);
}

function undici(major: 6 | 7 | 8, scheme: 'http' | 'https'): Story {
  const client = `undici ${major} over ${scheme}`;
  return {
    client,
    program: 'client-undici.mjs',
    words: [`undici${major}`, scheme],
    server: ours(scheme),
    ...of(major),
  };
}

function proxyAgent(major: 6 | 7 | 8): Story {
  const client = `ProxyAgent of undici ${major}`;
  const servers = { server: ours('proxy'), behind: ours('https') };
  return { client, program: 'client-undici-proxy.mjs', words: [`undici${major}`], ...servers, ...of(major) };
}

function http2(major: 7 | 8): Story {
  const client = `HTTP/2 of Node and undici ${major}`;
  return { client, program: 'client-http2.mjs', words: [`undici${major}`], server: ours('http2'), ...of(major) };
}

function of(major: 6 | 7 | 8): Pick<Story, 'since'> {
  return major === 8 ? { since: [22, 19] } : {};
}
