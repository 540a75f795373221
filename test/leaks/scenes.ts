// Every way in which sockets leak: what brings it about, what ss shows of it, and what the leak finder says.
import type { Divergence, LeakCause } from '../../src/detect/leaks/leak.ts';
import type { Side } from '../../src/sockets/names.ts';
import type { SocketKind } from '../../src/sockets/socket-kind.ts';
import type { StateLabel } from '../../src/tcp/state.ts';

/** Some sockets of a scene, all in the same state for the same reason. */
export interface LeakingSockets {
  /** The kernel's. `closed`: a descriptor is open, and the kernel has no row of it any more. */
  readonly state: StateLabel;
  readonly cause: LeakCause;
  readonly kind: SocketKind;
  /** `unknown`: what no record has. Such a socket was accepted too. */
  readonly side: Side | 'unknown';
  /** The request that all of them served, or sent; `PORT` stands for the upstream's. */
  readonly request?: string;
  /** They are piped into, or from, the others of the scene. */
  readonly isPaired?: true;
  /** What waits in the kernel: nothing, the peer's FIN alone, bytes and the FIN behind them, bytes of ours. */
  readonly queued?: 'nothing' | 'fin' | 'received' | 'sent';
  /** The kernel has them alone: nobody holds a descriptor. */
  readonly isOrphan?: true;
}

/** A program, and the leak that it has. */
export interface Scene {
  /** `leak-FAMILY.mjs` of test/fixtures/programs. */
  readonly family: string;
  readonly title: string;
  readonly leaks: readonly LeakingSockets[];
  /** What the finder counts beside the rows that Node takes for ESTABLISHED because it does not read. */
  readonly divergent?: Readonly<Partial<Record<Divergence, number>>>;
  /** It runs in a network namespace of its own. */
  readonly isNamespaced?: true;
  /** The packages of npm that it uses. */
  readonly packages?: readonly string[];
}

/** How many sockets leak at each end of a scene. */
export const SOCKETS = 3;

const CLOSE_WAIT = { state: 'close_wait' } as const;
const NOT_ENDED = { ...CLOSE_WAIT, cause: 'not_ended', queued: 'nothing' } as const;
const IN_NODE = { ...CLOSE_WAIT, cause: 'unread_in_node', queued: 'nothing' } as const;
const IN_KERNEL = { ...CLOSE_WAIT, cause: 'unread_in_kernel', queued: 'received' } as const;
const STALLED = { ...CLOSE_WAIT, cause: 'write_stalled', queued: 'sent' } as const;
const GONE = { state: 'closed', cause: 'js_open_kernel_gone' } as const;
const PEER_KEEPS_OPEN = { state: 'fin_wait_2', cause: 'peer_keeps_open', queued: 'nothing' } as const;

const NET = { side: 'server', kind: 'net' } as const;
const HTTP = { side: 'server', kind: 'http' } as const;
const UPGRADED = { side: 'server', kind: 'upgraded' } as const;
const CONNECT = { side: 'server', kind: 'connect' } as const;
const CLIENT = { side: 'client', kind: 'client' } as const;
const AGENT = { side: 'client', kind: 'agent' } as const;
const UNDICI = { side: 'client', kind: 'undici' } as const;

const NOT_ENDED_SCENES: readonly Scene[] = [
  scene('net server', { ...NOT_ENDED, ...NET }),
  scene('tls server', { ...NOT_ENDED, side: 'server', kind: 'tls' }),
  scene('upgrade, data handled', { ...NOT_ENDED, ...UPGRADED, request: 'GET /stream' }),
  scene('upgrade, ignored', { ...NOT_ENDED, ...UPGRADED, request: 'GET /other' }),
  scene('CONNECT, data handled', { ...NOT_ENDED, ...CONNECT, request: 'CONNECT example.com:443' }),
  scene(
    'CONNECT, piped into an upstream that never ends',
    { ...NOT_ENDED, ...CONNECT, request: 'CONNECT 127.0.0.1:PORT', isPaired: true },
    { ...PEER_KEEPS_OPEN, ...CLIENT, isPaired: true },
  ),
  scene('http, half open, never answered', { ...NOT_ENDED, ...HTTP, request: 'GET /slow' }),
  scene('net client', { ...NOT_ENDED, ...CLIENT }),
].map(inFamily('not-ended'));

const UNREAD_SCENES: readonly Scene[] = [
  scene('paused reader, 1 kB', { ...IN_NODE, ...NET }),
  scene('paused reader, more than it buffers', { ...IN_KERNEL, ...NET }),
  scene('pauseOnConnect', { ...IN_KERNEL, ...NET, queued: 'fin' }),
  scene('upload that breaks off, unread', { ...IN_KERNEL, ...HTTP, request: 'POST /upload' }),
  scene('upload into a stuck pipe', { ...IN_KERNEL, ...HTTP, request: 'POST /upload' }),
  scene('answer of http.get', { ...IN_NODE, ...AGENT, request: 'GET /big' }),
  scene('tail of an upgraded client', { ...IN_NODE, side: 'client', kind: 'upgraded', request: 'GET /tail' }),
  scene('body of fetch', { ...IN_NODE, ...UNDICI, request: 'GET /body' }),
].map(inFamily('unread'));

const STALLED_SCENES: readonly Scene[] = [
  scene('http answer', { ...STALLED, ...HTTP, request: 'GET /export' }),
  scene('net server', { ...STALLED, ...NET }),
].map(inFamily('stalled'));

const APART_SCENES: readonly Scene[] = [
  scene('end(), and the peer does not', { ...PEER_KEEPS_OPEN, ...NET }),
  {
    ...scene('handle without a Socket', {
      ...CLOSE_WAIT,
      cause: 'untracked',
      queued: 'fin',
      side: 'unknown',
      kind: 'unknown',
    }),
    divergent: { untracked_fd: SOCKETS },
  },
  { ...scene('reset after the end', { ...GONE, ...NET }), divergent: { js_open_kernel_gone: SOCKETS } },
  { ...scene('ended with the FIN unread', { ...GONE, ...NET }), divergent: { js_open_kernel_gone: SOCKETS } },
  {
    ...scene('end() and resetAndDestroy() in one tick', {
      state: 'closed',
      cause: 'js_gone_fd_open',
      side: 'server',
      kind: 'net',
    }),
    divergent: { js_gone_fd_open: SOCKETS },
  },
  {
    ...scene('free socket of an agent, deaf', { ...CLOSE_WAIT, ...AGENT, cause: 'pooled_dead', queued: 'fin' }),
    divergent: { pooled_dead: SOCKETS },
  },
].map(inFamily('apart'));

const VANISHED_SCENES: readonly Scene[] = [
  scene('bytes that nobody acknowledges', { ...CLIENT, state: 'established', cause: 'half_open', queued: 'sent' }),
  scene('FIN that nobody acknowledges', {
    state: 'last_ack',
    cause: 'fin_unacknowledged',
    queued: 'sent',
    side: 'client',
    kind: 'closed',
    isOrphan: true,
  }),
  scene('SYN that nobody answers', { ...CLIENT, state: 'syn_sent', cause: 'syn_unanswered', queued: 'sent' }),
].map((each) => ({ ...each, family: 'vanished', isNamespaced: true }));

const LIBRARY_SCENES: readonly Scene[] = [
  {
    ...scene('ws, a path that nobody serves', { ...NOT_ENDED, ...UPGRADED, request: 'GET /old-chat' }),
    packages: ['ws'],
  },
  { ...scene('ws, paused', { ...IN_NODE, ...UPGRADED, request: 'GET /feed' }), packages: ['ws'] },
  {
    ...scene(
      'http-proxy, an upgraded upstream that never ends',
      { ...NOT_ENDED, ...UPGRADED, request: 'GET /live', isPaired: true },
      { ...PEER_KEEPS_OPEN, side: 'client', kind: 'upgraded', request: 'GET /live', isPaired: true },
    ),
    packages: ['http-proxy'],
  },
  {
    ...scene('http-proxy, downloads that the client breaks off', { ...IN_NODE, ...AGENT, request: 'GET /film' }),
    packages: ['http-proxy'],
  },
  {
    ...scene('undici, bodies that nobody reads', { ...IN_NODE, ...UNDICI, request: 'GET /body' }),
    packages: ['undici7'],
  },
].map(inFamily('library'));

/** All of them leak on every Node. */
export const SCENES: readonly Scene[] = [
  ...NOT_ENDED_SCENES,
  ...UNREAD_SCENES,
  ...STALLED_SCENES,
  ...APART_SCENES,
  ...VANISHED_SCENES,
  ...LIBRARY_SCENES,
];

function scene(title: string, ...leaks: readonly LeakingSockets[]): Scene {
  return { family: '', title, leaks };
}

function inFamily(family: string): (each: Scene) => Scene {
  return (each) => ({ ...each, family });
}
