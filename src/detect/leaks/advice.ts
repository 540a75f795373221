/** Closes a socket on which nothing moves: what every kind of socket of the program's own can be given. */
export const IDLE_LIMIT = '`socket.setTimeout(60_000, () => socket.destroy())`';

/** How two sockets are joined so that both go when one does. */
export const JOIN_BY_PIPELINE =
  'Join the two sockets by `pipeline(client, upstream, done)` and `pipeline(upstream, client, done)` of node:stream, not by pipe(): where one fails or closes, it destroys the other.';
