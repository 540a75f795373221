import { readOwnSockets, readSocketInode } from '../kernel/procfs/inode.ts';
import { activeHandles, isServer } from '../observe/node-socket.ts';
import type { OtherListener } from '../sockets/join.ts';
import { type Ledger, type ListenerRecord, newListener } from '../sockets/ledger.ts';

/** How a {@link ClusterListeners} looks at this process's descriptors; tests give their own. */
export interface OwnSockets {
  /** Descriptors by inode; undefined where they cannot be listed at the moment. */
  readonly list: () => ReadonlyMap<number, number> | undefined;
  /** The inode of a descriptor, 0 if it is no socket. */
  readonly inodeOf: (fd: number) => number;
  /** The descriptors of servers that are not the cluster's: the program's, observed or not, and finwait's. */
  readonly servers: () => Iterable<number>;
}

/**
 * The listeners that a cluster's primary holds for its workers: it accepts, or lends them the descriptor, so the row in
 * LISTEN and its accept queue are the primary's, but there is no net.Server that could be observed. They are found by
 * their inode, and named after their port.
 *
 * What a net.Server of this process listens on is the program's to have observed, or not. One that was unref()ed
 * cannot be told from a listener of the cluster, because Node does not list it: it is taken until it is observed.
 */
export class ClusterListeners {
  readonly #ledger: Ledger;
  readonly #sockets: OwnSockets;
  readonly #found: Map<ListenerRecord, number> = new Map();
  /** Inodes that are not the cluster's, as of the newest table: they are not asked about again. */
  #foreign: ReadonlySet<number> = new Set();

  constructor(ledger: Ledger, sockets: OwnSockets = ownSockets([])) {
    this.#ledger = ledger;
    this.#sockets = sockets;
  }

  /** Looks which listeners of a table are ours; the next table counts them. */
  update(others: readonly OtherListener[], at: number): void {
    this.#dropStale();
    const held = new Set(Array.from(this.#ledger.listeners, ({ inode }) => inode));
    // A table that began before a listener was known still has it among the others.
    const strange = others.filter(({ inode }) => !held.has(inode));
    const unknown = strange.filter(({ inode }) => !this.#foreign.has(inode));
    const own = unknown.length > 0 ? this.#sockets.list() : NONE;
    if (own === undefined) return;
    const candidates = unknown.filter(({ inode }) => own.has(inode));
    // Asked for only where it matters: Node makes the list of all its handles anew each time.
    const served = candidates.length > 0 ? this.#servedInodes() : new Set<number>();
    const taken = new Set<number>();
    for (const { inode, port } of candidates) {
      if (served.has(inode)) continue;
      this.#add(inode, port, own.get(inode) as number, at);
      taken.add(inode);
    }
    this.#foreign = new Set(strange.flatMap(({ inode }) => (taken.has(inode) ? [] : [inode])));
  }

  /** Drops what was closed, and what was found here before the program had it observed. */
  #dropStale(): void {
    const observed = new Set<number>();
    for (const listener of this.#ledger.listeners) if (!this.#found.has(listener)) observed.add(listener.inode);
    for (const [listener, fd] of this.#found) {
      if (!observed.has(listener.inode) && this.#sockets.inodeOf(fd) === listener.inode) continue;
      this.#ledger.removeListener(listener);
      this.#found.delete(listener);
    }
  }

  /** By inode, because a descriptor may have been duplicated. */
  #servedInodes(): ReadonlySet<number> {
    return new Set(Array.from(this.#sockets.servers(), (fd) => this.#sockets.inodeOf(fd)));
  }

  #add(inode: number, port: number, fd: number, at: number): void {
    const listener = newListener(this, port, inode, at);
    this.#ledger.assign(listener, 'server', String(port), false, at);
    this.#ledger.addListener(listener);
    this.#found.set(listener, fd);
  }
}

const NONE: ReadonlyMap<number, number> = new Map();

/**
 * This process's own descriptors.
 *
 * @param excluded servers of finwait, which are unref()ed
 */
export function ownSockets(excluded: Iterable<object>): OwnSockets {
  return {
    list: readOwnSockets,
    inodeOf: readSocketInode,
    servers: () => serverDescriptors([...activeHandles(), ...excluded]),
  };
}

/**
 * The primary accepts for its workers with a net.Server too, but takes the handle from it (lib/internal/cluster of
 * Node), so that one has no descriptor here.
 */
function* serverDescriptors(handles: Iterable<unknown>): Iterable<number> {
  for (const handle of handles) {
    const fd = isServer(handle) ? handle._handle?.fd : undefined;
    if (typeof fd === 'number' && fd >= 0) yield fd;
  }
}
