import { internalsOf, type Monitor } from '../monitor/monitor.ts';
import { type ClientNameOptions, resolveNameOf, show } from '../monitor/options.ts';
import { isReadable } from '../observe/undici-dispatchers.ts';

/** A dispatcher of undici 6, 7 or 8; spelled out, because undici is optional, and fetch needs none. */
export interface UndiciDispatcher {
  dispatch(options: never, handler: never): boolean;
}

/**
 * Observes the connections of an undici dispatcher (Client, Pool, BalancedPool, Agent, ProxyAgent, EnvHttpProxyAgent,
 * what `compose` makes of one), those that it has already included, under a name of the program's choice: from connect()
 * to close, its requests, and what its pools hold. Adds no listener, and replaces no connector.
 *
 * Without a dispatcher it is the global one, which the built-in `fetch` uses, whichever that is at any time.
 *
 * `monitor.observeProcess()` finds the connections of all dispatchers by itself; then this gives them their name.
 *
 * @param monitor what `createMonitor` returned
 * @param dispatcher the dispatcher; undefined for the global one
 * @param options `name`: the `name` label of its connections, or a function that chooses it by where one goes. Through
 *   a proxy a connection goes to the proxy. Default: the host as the program gave it, and the port
 * @returns a function that ends the observation; open connections then count as released, unless the whole process is
 *   observed. Observing a dispatcher again returns the same function
 * @throws TypeError if it is no dispatcher, or one that hides another (RetryAgent), or an option is wrong; Error if the
 *   monitor is closed
 * @example observeUndici(monitor, new Pool('https://billing.internal'), { name: 'billing' })
 * @example observeUndici(monitor, undefined, { name: ({ host }) => host }) // fetch, one name for each host
 */
export function observeUndici(
  monitor: Monitor,
  dispatcher?: UndiciDispatcher,
  options: ClientNameOptions = {},
): () => void {
  const { undici, report } = internalsOf(monitor);
  if (dispatcher !== undefined) {
    if (typeof dispatcher !== 'object' || dispatcher === null || typeof dispatcher.dispatch !== 'function') {
      throw new TypeError(`observeUndici takes a dispatcher of undici, received ${show(dispatcher)}`);
    }
    if (!isReadable(dispatcher)) {
      throw new TypeError(`observeUndici cannot see into ${show(dispatcher)}: show it the dispatcher below that one`);
    }
  }
  return undici().observe(dispatcher, resolveNameOf('observeUndici', options, report));
}
