/** What a socket is to the program. `closed`: the program has no object for it any more, and the kernel still has it. */
export const SOCKET_KINDS = [
  'net',
  'tls',
  'http',
  'http2',
  'upgraded',
  'connect',
  'client',
  'agent',
  'undici',
  'closed',
  'unknown',
] as const;

/** One of {@link SOCKET_KINDS}. */
export type SocketKind = (typeof SOCKET_KINDS)[number];
