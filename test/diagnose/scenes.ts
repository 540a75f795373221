// Load tests of servers that are each crippled in one way, and what `finwait diagnose` must say first of each.
import type { LimitKind } from '../../src/detect/load-test/finding.ts';

/** The network namespace that a scene has for itself. */
export type SceneNetwork = 'plain' | 'few ports' | 'lossy';

/** A server, a load, and what limits it. */
export interface DiagnoseScene {
  readonly title: string;
  /** `load-NAME.mjs` of test/fixtures/programs, and its arguments. */
  readonly server: readonly string[];
  /**
   * The command. `PORT`: the server's. `URL`: `http://127.0.0.1:PORT`. `autocannon` is that of npm, `client` is
   * load-client.mjs, and what ends with `.lua` a file beside it.
   */
  readonly load: readonly string[];
  /** What is found first; `nothing` is a finding too. */
  readonly first: LimitKind | 'nothing';
  /** What else it brings about, and is found as well. */
  readonly also?: readonly LimitKind[];
  /** What else may be found. Nothing but these is. */
  readonly maybe?: readonly LimitKind[];
  /** @default 'plain' */
  readonly network?: SceneNetwork;
  /** How many descriptors the server may open. */
  readonly descriptors?: number;
  /** Its load takes what processors there are: no two of these run at a time. */
  readonly isBusy?: true;
}

const SECONDS = '3';
const AUTOCANNON = ['autocannon', '--no-progress', '-d', SECONDS] as const;
const WRK = ['wrk', '-d', SECONDS, '-t', '1'] as const;

const CRIPPLED: readonly DiagnoseScene[] = [
  {
    title: 'backlog 8 and a loop that computes',
    server: ['http', 'blocked'],
    load: [...AUTOCANNON, '-c', '100', 'URL'],
    first: 'loop_blocked',
    also: ['accept_queue_full'],
    maybe: ['server_busy'],
  },
  {
    title: 'backlog 8 and a loop that waits',
    server: ['http', 'asleep'],
    load: [...AUTOCANNON, '-c', '100', 'URL'],
    first: 'loop_blocked',
    also: ['accept_queue_full'],
  },
  {
    title: 'backlog 8 and a free loop',
    server: ['http', 'short backlog'],
    load: ['client', 'bursts', 'PORT', SECONDS],
    first: 'accept_queue_full',
    maybe: ['connections_not_reused'],
  },
  {
    title: 'clients that ask to close',
    server: ['http', 'healthy'],
    load: [...WRK, '-c', '20', '-H', 'Connection: close', 'URL'],
    first: 'connections_not_reused',
    // A fast machine takes most of the ports in the second before they come back.
    maybe: ['server_busy', 'generator_limited', 'ports_running_out'],
    isBusy: true,
  },
  {
    title: 'clients that close after each answer',
    server: ['http', 'healthy'],
    load: [...AUTOCANNON, '-c', '20', '-D', '1', 'URL'],
    first: 'connections_not_reused',
    maybe: ['server_busy', 'generator_limited', 'ports_running_out'],
    isBusy: true,
  },
  {
    title: 'a server that closes after each answer',
    server: ['http', 'closing'],
    load: [...WRK, '-c', '20', 'URL'],
    first: 'server_closes_first',
    maybe: ['server_busy', 'generator_limited'],
    isBusy: true,
  },
  {
    title: 'a server that closes after each answer, to clients that hear of it late',
    server: ['http', 'closing'],
    load: [...AUTOCANNON, '-c', '20', '-R', '1000', 'URL'],
    first: 'server_closes_first',
    maybe: ['server_busy'],
  },
  {
    title: 'a server that lets its clients close after each answer',
    server: ['http', 'one request a connection'],
    load: [...WRK, '-c', '20', 'URL'],
    first: 'server_closes_first',
    maybe: ['server_busy', 'generator_limited'],
    isBusy: true,
  },
  {
    title: 'a server without HTTP that closes first',
    server: ['tcp', 'closing'],
    load: ['client', 'short connections', 'PORT', SECONDS],
    first: 'server_closes_first',
    maybe: ['server_busy', 'generator_limited'],
    isBusy: true,
  },
  {
    title: '2,000 local ports and no reuse of TIME_WAIT',
    server: ['http', 'healthy'],
    // Without a port autocannon tries again at once and for ever, and hears of nothing else.
    load: ['timeout', '6', 'autocannon', '--no-progress', '-d', '6', '-c', '20', '-D', '1', 'URL'],
    first: 'ports_exhausted',
    network: 'few ports',
    maybe: ['connections_not_reused', 'generator_limited'],
    isBusy: true,
  },
  {
    title: 'connections that the server never ends',
    server: ['tcp', 'half open'],
    load: [...AUTOCANNON, '-c', '20', '-D', '5', '-R', '500', 'URL'],
    first: 'leak',
  },
  {
    title: 'connections that the server never ends, and that their peers reset',
    server: ['tcp', 'half open and late'],
    load: ['client', 'impatience', 'PORT', SECONDS],
    first: 'leak',
    maybe: ['resets', 'connections_not_reused'],
  },
  {
    title: 'upgraded connections that the server never ends',
    server: ['http', 'leaking upgrade'],
    load: ['client', 'upgrades', 'PORT', SECONDS],
    first: 'leak',
    maybe: ['connections_not_reused'],
  },
  {
    title: 'one request of ten answered by a reset',
    server: ['http', 'resetting'],
    load: [...AUTOCANNON, '-c', '20', '-R', '500', 'URL'],
    first: 'resets',
  },
  {
    title: '256 descriptors and 400 connections',
    server: ['http', 'healthy'],
    load: [...AUTOCANNON, '-c', '400', '-R', '2000', 'URL'],
    first: 'descriptors_exhausted',
    descriptors: 256,
    maybe: ['resets', 'server_closes_first', 'connections_not_reused', 'generator_limited'],
    isBusy: true,
  },
  {
    title: 'clients that think for as long as the server keeps a connection',
    server: ['http', 'racing'],
    load: ['wrk', '-d', '7', '-t', '1', '-c', '200', '-s', 'load-think.lua', 'URL'],
    first: 'keep_alive_race',
    maybe: ['resets'],
  },
  {
    title: 'clients that hardly read',
    server: ['http', 'healthy'],
    load: ['client', 'slow readers', 'PORT', SECONDS],
    first: 'reader_stalled',
  },
  {
    title: 'a server that reads uploads late',
    server: ['http', 'deaf to uploads'],
    load: [...WRK, '-c', '20', '-s', 'load-upload.lua', 'URL'],
    first: 'reader_stalled',
  },
  {
    title: 'a network that loses three of a hundred packets',
    server: ['http', 'healthy'],
    load: [...WRK, '-c', '20', 'URL/large'],
    first: 'packets_lost',
    network: 'lossy',
    maybe: ['server_busy'],
    isBusy: true,
  },
];

const HEALTHY: readonly DiagnoseScene[] = [
  {
    title: '500 requests a second over 10 kept connections',
    server: ['http', 'healthy'],
    load: [...AUTOCANNON, '-c', '10', '-R', '500', 'URL'],
    first: 'nothing',
  },
  {
    title: '200 kept connections',
    server: ['http', 'healthy'],
    load: [...AUTOCANNON, '-c', '200', '-R', '1000', 'URL'],
    first: 'nothing',
  },
  {
    title: 'answers of 1 MB',
    server: ['http', 'healthy'],
    load: [...AUTOCANNON, '-c', '10', '-R', '100', 'URL/large'],
    first: 'nothing',
  },
  {
    title: 'uploads of 200 kB',
    server: ['http', 'healthy'],
    load: [...WRK, '-c', '4', '-s', 'load-steady-upload.lua', 'URL'],
    first: 'nothing',
  },
  {
    title: 'connections that the server closes because nobody uses them any more',
    server: ['http', 'racing'],
    load: ['client', 'visits', 'PORT', '6'],
    first: 'nothing',
  },
];

const OTHERWISE: readonly DiagnoseScene[] = [
  {
    title: 'a load generator of one thread against the cheapest server',
    server: ['tcp', 'canned'],
    load: [...AUTOCANNON, '-c', '200', 'URL'],
    first: 'generator_limited',
    isBusy: true,
  },
  {
    title: 'a server whose thread is busy',
    server: ['http', 'heavy'],
    load: [...WRK, '-c', '20', 'URL'],
    first: 'server_busy',
    isBusy: true,
  },
  {
    title: 'a server that crashes',
    server: ['http', 'crashing'],
    load: [...AUTOCANNON, '-c', '20', '-R', '3000', 'URL'],
    first: 'target_gone',
    also: ['connections_refused'],
    maybe: ['resets', 'generator_limited'],
    isBusy: true,
  },
  {
    title: 'a server that does not listen for a second',
    server: ['http', 'restarting'],
    load: [...AUTOCANNON, '-c', '20', '-R', '1500', 'URL'],
    first: 'connections_refused',
    maybe: ['resets', 'generator_limited'],
    isBusy: true,
  },
  {
    title: 'a load on an address where the server does not listen',
    server: ['http', 'healthy'],
    load: [...AUTOCANNON, '-c', '20', 'http://127.0.0.2:PORT'],
    first: 'connections_refused',
    maybe: ['generator_limited'],
    isBusy: true,
  },
];

/** All of them: crippled, healthy, and limited by something else than sockets. */
export const SCENES: readonly DiagnoseScene[] = [...CRIPPLED, ...HEALTHY, ...OTHERWISE];
