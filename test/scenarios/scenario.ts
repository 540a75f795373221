import type { StateName } from '../../src/tcp/state.ts';

/** Node's major version, where Node's or libuv's behaviour is not the same on all of them. */
export const NODE_MAJOR: number = Number(process.versions.node.split('.')[0]);

/** One end of a connection: the latest one, or by its number, counted from 1. */
export type End = `${'client' | 'server'}${'' | ' 1' | ' 2'}`;

/** What an end can do; each is one call of Node's API and waits for nothing. */
export type EndVerb =
  | 'ends'
  | `ends with ${number}`
  | `writes ${number}`
  | `says ${Text}`
  | 'destroys'
  | 'destroys soon'
  | 'fails'
  | 'fails as if it was reset'
  | 'resets'
  | 'reads'
  | 'pauses'
  | 'dials'
  | 'drops its listeners'
  | 'sets a timeout'
  | `emits ${'end' | 'finish' | 'close' | 'connect' | 'error'}`
  | `dies of the error of ${End}`
  | 'is observed'
  | 'is no longer observed'
  | 'is upgraded to TLS'
  | 'is upgraded to TLS that is observed'
  | 'is sent to another process'
  | 'sends close_notify'
  | 'leaves its loop';

/** What an HTTP client says. */
export type Text = 'GET' | 'GET and close' | 'an upgrade' | 'half an upload' | 'garbage';

/** What happens to more than one end. */
export type WorldVerb =
  /** A new client connects; both ends are up when it is done. */
  | 'connect'
  /** A new client begins to connect. */
  | 'dial'
  | 'listen'
  | 'stop listening'
  | 'observe the listener'
  | 'a second monitor watches too'
  | 'a client comes, writes and resets while the event loop is blocked'
  | 'the agent requests'
  | 'the agent requests and leaves the answer unread'
  | 'the agent is destroyed'
  | 'the session requests'
  | 'the session is closed'
  | 'the session is destroyed'
  | 'the HTTP server closes all connections';

/** One call of Node's API, or what is close to one. */
export type Operation = WorldVerb | `${End} ${EndVerb}`;

/** An event of Node that a stage waits for. */
export type Sight =
  | `${End} ${'connect' | 'connection' | 'end' | 'finish' | 'close' | 'error' | 'timeout' | 'secure'}`
  | 'listener close'
  | 'listener drop'
  | 'listener tlsClientError';

/** The states of all sockets of one side in the kernel's table; CLOSED where it has no row. */
export type States = StateName | readonly StateName[];

/** Operations that are made in one tick, the events they lead to, and what the kernel's table shows at rest. */
export interface Stage {
  readonly do: readonly Operation[];
  readonly sees?: readonly Sight[];
  /** Not a rest point where this is missing. */
  readonly kernel?: { readonly client: States; readonly server: States; readonly listeners?: number };
  /**
   * Rows whose socket finwait cannot know, as it documents: Node closed it without ever showing it (maxConnections).
   * They count as unattributed.
   */
  readonly unattributed?: { readonly client?: States; readonly server?: States };
  /** Rows that are none of this process's sockets any more, or not yet: nobody claims them. */
  readonly foreign?: { readonly client?: States; readonly server?: States };
  /** What Node's column says of the latest socket of a side, where more than "among the alternatives" is asked for. */
  readonly node?: { readonly client?: StateName; readonly server?: StateName };
  /** What Node proves of it, at this reading. */
  readonly observed?: readonly ('client' | 'server')[];
}

/** How one side is set up. */
export interface Side {
  readonly allowHalfOpen?: boolean;
  /** Whether somebody reads what arrives. @default true */
  readonly reads?: boolean;
  /** Whether finwait is shown the socket (a client) or the server before anything happens. @default true */
  readonly observed?: boolean;
  readonly highWaterMark?: number;
}

/** A course of events on real sockets, and what the kernel makes of it. */
export interface Scenario {
  /** One sentence, a fact. */
  readonly title: string;
  /** @default 'tcp' */
  readonly over?: 'tcp' | 'unix' | 'tls' | 'http' | 'https' | 'h2c' | 'h2';
  readonly server?: Side & {
    readonly pauseOnConnect?: boolean;
    readonly maxConnections?: number;
    /** What to listen on. @default '127.0.0.1' */
    readonly host?: '127.0.0.1' | '::1' | '::';
    /** Nobody listens: the port is free, or its backlog is full and nobody accepts. @default 'accepts' */
    readonly port?: 'accepts' | 'refuses' | 'swallows';
    /** In the 'connection' listener, before anything else. */
    readonly onConnection?: readonly Operation[];
    /** How the HTTP server answers. @default 'answers' */
    readonly handler?: 'answers' | 'never answers' | 'answers 8 MB' | 'answers 413 and closes' | 'ignores the upgrade';
    readonly keepAliveTimeoutMs?: number;
  };
  readonly client?: Side & {
    /**
     * Where to connect to. 'both families' resolves to ::1, where nobody listens, and to 127.0.0.1; 'a silent first
     * address' to ::1 with a full backlog, and to 127.0.0.1; 'nowhere' fails to resolve.
     */
    readonly host?: '127.0.0.1' | '::1' | 'both families' | 'a silent first address' | 'nowhere' | 'itself';
    readonly localAddress?: string;
    /**
     * Where the server speaks TLS: 'plain' begins without, 'over a stream' has a TLSSocket over a stream that keeps the
     * end to itself, so that close_notify is sent without a FIN. @default 'TLS'
     */
    readonly speaks?: 'TLS' | 'plain' | 'TLS over a stream';
  };
  readonly stages: readonly Stage[];
  /** The program emits events by hand; illegal pairs may be recorded. */
  readonly emitsByHand?: boolean;
  /** Node leaves a descriptor open behind a destroyed socket, so that a record stays. */
  readonly neverCloses?: boolean;
}

/** Most begin like this. */
export const OPEN: Stage = {
  do: ['connect'],
  kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
  node: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
};
