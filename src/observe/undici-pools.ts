import { TICKS_PER_MS } from '../sockets/ledger.ts';
import type { NameEntry } from '../sockets/names.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import type { NameOf, ObserveContext, PoolReader } from './context.ts';
import { destinationOf, pendingOf, type UndiciClient, urlOf, walkClients } from './undici-dispatchers.ts';

/** What the pools of undici hold. Connections are told by their records, requests that wait by whoever has them. */
export interface UndiciPools {
  readonly read: PoolReader;
  /** A connection is ready, or about to be made: its name is that of its client and its origin from now on. */
  remember(record: SocketRecord, client: UndiciClient | undefined, origin: string): void;
}

/** What the reader asks its surroundings. */
export interface PoolSources {
  /** The dispatchers that are known, the chosen ones first, with what names their connections. */
  dispatchers(): Iterable<readonly [dispatcher: object, nameOf: NameOf | undefined]>;
  /** By origin, the requests that the clients of the process have, whether their dispatcher is known or not. */
  readonly waiting: ReadonlyMap<string, { readonly count: number }>;
}

/** Creates the reader. */
export function undiciPools(context: ObserveContext, sources: PoolSources): UndiciPools {
  const { ledger } = context;
  /** The connection that a client has, had, or makes. */
  const records = new WeakMap<UndiciClient, SocketRecord>();
  /** The name of an origin, which stays when its pool is empty for a while. */
  const names = new Map<string, NameEntry>();

  function nameOfOrigin(origin: string): NameEntry | undefined {
    const name = names.get(origin);
    if (name === undefined || ledger.names.at(name.slot) === name) return name;
    // An idle name may have given its place to another one.
    names.delete(origin);
    return undefined;
  }

  /** The slot that requests of a client or pool wait under; -1 while nobody knows. */
  function slotOf(dispatcher: object, nameOf: NameOf | undefined): number {
    const url = urlOf(dispatcher);
    if (url === undefined) return -1;
    const record = records.get(dispatcher);
    if (record !== undefined && record.index >= 0) return record.slot;
    const { host, port } = destinationOf(url);
    const chosen = nameOf?.(host, port);
    if (chosen !== undefined) return ledger.names.slotOf('client', chosen, true, context.now() / TICKS_PER_MS);
    return nameOfOrigin(url.origin)?.slot ?? -1;
  }

  const read: PoolReader = (tell) => {
    for (const origin of [...names.keys()]) {
      const name = nameOfOrigin(origin);
      if (name !== undefined) tell(name.slot, 0, 0, 0);
    }
    for (const { flags, slot } of ledger.records) {
      if ((flags & OPEN_IN_POOL) !== OPEN_IN_POOL) continue;
      if ((flags & FLAG.active) === 0) tell(slot, 0, 1, 0);
      else tell(slot, 1, 0, 0);
    }
    const seen = new Map<string, number>();
    const walked = new Set<object>();
    for (const [dispatcher, nameOf] of sources.dispatchers()) {
      walkClients(dispatcher, undefined, {
        client(client) {
          if (walked.has(client)) return false;
          walked.add(client);
          const pending = pendingOf(client);
          const origin = urlOf(client)?.origin;
          if (origin !== undefined) seen.set(origin, (seen.get(origin) ?? 0) + pending);
          tell(slotOf(client, nameOf), 0, 0, pending);
          return false;
        },
        pool(pool, queued) {
          if (queued > 0 && !walked.has(pool)) tell(slotOf(pool, nameOf), 0, 0, queued);
          walked.add(pool);
        },
      });
    }
    // The rest waits in clients of dispatchers that nobody showed us.
    for (const [origin, { count }] of sources.waiting) {
      const rest = count - (seen.get(origin) ?? 0);
      if (rest > 0) tell(nameOfOrigin(origin)?.slot ?? -1, 0, 0, rest);
    }
  };

  return {
    read,
    remember(record, client, origin) {
      if (client !== undefined) records.set(client, record);
      const name = record.slot < 0 ? undefined : ledger.names.at(record.slot);
      if (name === undefined) return;
      if (names.size === MAX_ORIGINS && !names.has(origin)) names.clear();
      names.set(origin, name);
    },
  };
}

const OPEN_IN_POOL: number = FLAG.open | FLAG.undici;
const MAX_ORIGINS = 1_000;
