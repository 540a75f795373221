import { readOwnSockets, readSocketInode } from '../kernel/procfs/inode.ts';
import type { OtherListener } from '../sockets/join.ts';
import type { Ledger, ListenerRecord } from '../sockets/ledger.ts';
import { TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';

/** How a {@link ClusterListeners} looks at this process's descriptors; tests give their own. */
export interface OwnSockets {
  /** Descriptors by inode. */
  readonly list: () => ReadonlyMap<number, number>;
  /** The inode of a descriptor, 0 if it is no socket. */
  readonly inodeOf: (fd: number) => number;
}

/**
 * The listeners that a cluster's primary holds for its workers: it accepts, or lends them the descriptor, so the row in
 * LISTEN and its accept queue are the primary's, but there is no net.Server that could be observed. They are found by
 * their inode, and named after their port.
 */
export class ClusterListeners {
  readonly #ledger: Ledger;
  readonly #sockets: OwnSockets;
  readonly #found: Map<ListenerRecord, number> = new Map();
  /** Inodes that are another process's, as of the newest table: they are not asked about again. */
  #foreign: ReadonlySet<number> = new Set();

  constructor(ledger: Ledger, sockets: OwnSockets = { list: readOwnSockets, inodeOf: readSocketInode }) {
    this.#ledger = ledger;
    this.#sockets = sockets;
  }

  /** Looks which listeners of a table are ours; the next table counts them. */
  update(others: readonly OtherListener[], at: number): void {
    for (const [listener, fd] of this.#found) {
      if (this.#sockets.inodeOf(fd) === listener.inode) continue;
      this.#ledger.removeListener(listener);
      this.#found.delete(listener);
    }
    const unknown = others.filter(({ inode }) => !this.#foreign.has(inode));
    const own = unknown.length > 0 ? this.#sockets.list() : new Map<number, number>();
    for (const { inode, port } of unknown) {
      const fd = own.get(inode);
      if (fd !== undefined) this.#add(inode, port, fd, at);
    }
    this.#foreign = new Set(others.flatMap(({ inode }) => (own.has(inode) ? [] : [inode])));
  }

  #add(inode: number, port: number, fd: number, at: number): void {
    const tuple = new Uint32Array(TUPLE_WORDS);
    tuple[TUPLE.localPort] = port;
    const listener: ListenerRecord = {
      ref: new WeakRef(this),
      slot: -1,
      transition: -1,
      flags: 0,
      changedAt: at,
      observedAt: -1,
      port,
      tuple,
      inode,
    };
    this.#ledger.assign(listener, 'server', String(port), false, at);
    this.#ledger.addListener(listener);
    this.#found.set(listener, fd);
  }
}
