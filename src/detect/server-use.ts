import type { IdleClose } from '../sockets/requests.ts';

/** How the connections of a server are used, as far as the rules ask. */
export interface ServerUse {
  readonly name: string;
  readonly requests: number;
  /** `server.keepAliveTimeout`; undefined where it is not known. */
  readonly keepAliveSeconds: number | undefined;
  readonly idleCloses: { readonly [cause in IdleClose]: number };
  /** The newest time that its accept queue was found full. */
  readonly saturation: Saturation | undefined;
}

/** An accept queue that was full. */
export interface Saturation {
  readonly connections: number;
  /** How many it takes. */
  readonly limit: number;
  readonly agoMs: number;
  /** The longest turn of the event loop meanwhile. */
  readonly loopBlockedMs: number;
  /** Connections of the whole network namespace that found no place at that time; undefined where it is not known. */
  readonly overflows: number | undefined;
}
