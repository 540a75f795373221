import type { IdleClose } from '../sockets/requests.ts';

/** How the connections of a server are used, as far as the rules ask. */
export interface ServerUse {
  readonly name: string;
  readonly requests: number;
  /** `server.keepAliveTimeout`; undefined where it is not known. */
  readonly keepAliveSeconds: number | undefined;
  readonly idleCloses: { readonly [cause in IdleClose]: number };
}
