import { PortSet } from './port-set.ts';

/** The name that the sockets of this process are shown under which no record stands for. */
export const UNTRACKED_NAME = '_untracked';
/** Where a name slot is asked for, and there is no name. */
export const UNTRACKED_SLOT = -1;

/** How many inodes of other processes are remembered; of more CLOSE_WAITs than that none is looked for. */
export const OTHERS_LIMIT = 65_536;

/**
 * The sockets of this process that no record stands for, by inode: a handle that was kept without its socket, an addon's
 * connection, whatever nobody observes. What is ours is said by whoever has looked through the descriptors; where it
 * stands in the kernel's table, by the tables.
 *
 * An inode that is new to the tables may have any local port, so the next table is read whole. What it does not show is
 * no TCP connection (a pipe, UDP), and is not looked for again.
 */
export class UntrackedSockets {
  readonly #giveKey: () => number;
  /** Ours, with the key of each. */
  #keys: ReadonlyMap<number, number> = new Map();
  /** Those of them that no JavaScript socket is known of. */
  #objectless: ReadonlySet<number> = new Set();
  /** What no table has shown yet, with the number of the search that found it. */
  readonly #unresolved: Map<number, number> = new Map();
  #searches = 0;
  #others: Set<number> = new Set();
  #ports: PortSet = new PortSet();
  #ownPorts: ReadonlySet<number> = new Set();

  /** @param giveKey gives out a number that nothing else of these tables is known by, and is not 0 */
  constructor(giveKey: () => number) {
    this.#giveKey = giveKey;
  }

  /**
   * Says what the descriptors show: all sockets of this process without a record, whatever they are.
   *
   * @param found each inode, and whether a JavaScript socket is known of it
   */
  set(found: ReadonlyMap<number, boolean>): void {
    const before = this.#keys;
    const search = ++this.#searches;
    const keys = new Map<number, number>();
    const objectless = new Set<number>();
    for (const [inode, hasObject] of found) {
      const known = before.get(inode);
      keys.set(inode, known ?? this.#giveKey());
      if (!hasObject) objectless.add(inode);
      if (known === undefined) this.#unresolved.set(inode, search);
    }
    for (const inode of this.#unresolved.keys()) if (!keys.has(inode)) this.#unresolved.delete(inode);
    this.#keys = keys;
    this.#objectless = objectless;
  }

  /** Says at which local ports finwait itself listens: what is connected there is in no metric. */
  setOwnPorts(ports: ReadonlySet<number>): void {
    this.#ownPorts = ports;
  }

  /** The number of the newest search: what it found, a table that begins now can show. */
  get searches(): number {
    return this.#searches;
  }

  /** Whether the next table needs to show every row. */
  get isAnyUnresolved(): boolean {
    return this.#unresolved.size > 0;
  }

  /** The key of a socket of ours without a record; 0 where it is none. A table that asks has shown it. */
  show(inode: number): number {
    const key = this.#keys.get(inode) ?? 0;
    if (key !== 0) this.#unresolved.delete(inode);
    return key;
  }

  isObjectless(inode: number): boolean {
    return this.#objectless.has(inode);
  }

  /** Whether a table saw one of them at a local port; ports are forgotten with what stood there. */
  isAtPort(localPort: number): boolean {
    return this.#ports.has(localPort);
  }

  isOwnPort(localPort: number): boolean {
    return this.#ownPorts.has(localPort);
  }

  /** Whether an inode was looked for and is no untracked socket of ours, or there are too many of them to know. */
  isOther(inode: number): boolean {
    return this.#others.has(inode) || this.#others.size >= OTHERS_LIMIT;
  }

  /** It was looked for, and is somebody else's, or a record's. */
  dismiss(inode: number): void {
    if (this.#others.size < OTHERS_LIMIT) this.#others.add(inode);
  }

  /** A table that shows every row is complete: what it has not shown, and was known before it began, is no connection. */
  resolve(searches: number): void {
    for (const [inode, search] of this.#unresolved) if (search <= searches) this.#unresolved.delete(inode);
  }

  /** A table is complete and sound: the inodes of others, and the local ports of ours, are those it has shown. */
  settle(others: Set<number>, ports: PortSet): void {
    this.#others = others;
    this.#ports = ports;
  }
}
