import { performance } from '../globals.ts';
import type { Join } from '../sockets/join.ts';
import type { ObserveContext } from './context.ts';
import { activeHandles, isServer, isSocket, type NodeHandle, type NodeServer, wireOf } from './node-socket.ts';
import { idleSocketsOfGlobalAgents } from './process.ts';
import { type SliceLimits, Slices } from './slices.ts';

/** This process's descriptors, as /proc shows them. */
export interface Descriptors {
  /** The inode of a descriptor that is a socket, 0 if it is something else, -1 if it is not open. */
  readonly inodeOf: (fd: number) => number;
  /** How many are open; undefined where that is not known. */
  readonly count: () => number | undefined;
}

/** How an {@link Untracked} looks. */
export interface UntrackedOptions {
  readonly descriptors: Descriptors;
  /** How often it looks without a row that asks for it, in milliseconds. @default 60000 */
  readonly intervalMs?: number;
  /** A clock that never goes back, in milliseconds. @default performance.now */
  readonly now?: () => number;
  /** Ends a look that is under way. */
  readonly signal?: AbortSignal;
}

const INTERVAL_MS = 60_000;
/** The first look at a descriptor takes 20 us. */
const SLICE_LIMITS: SliceLimits = { sliceMs: 1, clockSteps: 16 };
/** After so many numbers that are not open there is none to be expected: the kernel gives out the lowest that is free. */
const MAX_GAPS = 16_384;

/**
 * Looks through this process's descriptors for sockets that no record stands for.
 *
 * Descriptors are not listed, their numbers are tried one after another: listing needs a descriptor itself, and the kernel
 * makes the list in pieces of 1,365 names, 5 ms each when they are new to it. What records and servers have is not asked
 * for, so what it costs is the rest: 5 us each.
 *
 * @example
 * const untracked = new Untracked(context, { descriptors });
 * await untracked.lookThrough(join); // and the column of this join has them
 */
export class Untracked {
  readonly #context: ObserveContext;
  readonly #descriptors: Descriptors;
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #signal: AbortSignal | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** How many descriptors were no record's at the newest look. */
  #strangers = Number.NaN;
  #newest: Promise<number> = Promise.resolve(0);

  constructor(context: ObserveContext, options: UntrackedOptions) {
    this.#context = context;
    this.#descriptors = options.descriptors;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#now = options.now ?? performance.now;
    this.#signal = options.signal;
  }

  /**
   * Says of a complete table which of its rows are ours without a record. The descriptors are looked through only where
   * the table has rows that may be such, or where their number has changed since the last look, a minute ago.
   *
   * One after another. Never rejects.
   *
   * @returns how many milliseconds of work that was, without the turns of the event loop in between
   */
  lookThrough(join: Join): Promise<number> {
    this.#newest = this.#newest.then(() => this.#lookFor(join));
    return this.#newest;
  }

  async #lookFor(join: Join): Promise<number> {
    const slices = new Slices(SLICE_LIMITS);
    try {
      if (join.unclaimed > 0 || this.#isDue()) await this.#look(slices);
      if (!this.#isGivenUp) join.claim();
    } catch (error) {
      this.#context.report('collector', error);
    }
    return slices.end();
  }

  /** Whether nobody waits for the result any more. */
  get #isGivenUp(): boolean {
    return this.#signal?.aborted === true;
  }

  #isDue(): boolean {
    return this.#now() - this.#lookedAt >= this.#intervalMs && this.#countStrangers() !== this.#strangers;
  }

  /** NaN, which is never what it was before, where it is not known. */
  #countStrangers(): number {
    const { records, listeners } = this.#context.ledger;
    return (this.#descriptors.count() ?? Number.NaN) - records.length - listeners.size;
  }

  async #look(slices: Slices): Promise<void> {
    const { ledger, excluded } = this.#context;
    this.#lookedAt = this.#now();
    this.#strangers = this.#countStrangers();
    const inodes = await this.#probe(await this.#tracked(slices), slices);
    if (inodes.size > 0) {
      // What was opened meanwhile has a record by now, or what was closed has given its number to one that has.
      for (const fd of await this.#tracked(slices)) inodes.delete(fd);
    }
    if (this.#isGivenUp) return;
    ledger.untracked.setOwnPorts(listeningPorts(excluded));
    const objects = inodes.size > 0 ? descriptorsOf([...activeHandles(), ...idleSocketsOfGlobalAgents()]) : NONE;
    // A descriptor may have been duplicated.
    const found = new Map<number, boolean>();
    for (const [fd, inode] of inodes) found.set(inode, objects.has(fd) || found.get(inode) === true);
    ledger.untracked.set(found);
  }

  /** The descriptors of records, of servers that are observed, and of finwait's own. */
  async #tracked(slices: Slices): Promise<Set<number>> {
    const { ledger, excluded } = this.#context;
    const { records } = ledger;
    const tracked = descriptorsOf(excluded);
    for (const { ref } of ledger.listeners) addDescriptor(ref.deref(), tracked);
    // Newest first, like the walk: who leaves meanwhile gives its place to the newest.
    for (let index = records.length - 1; index >= 0; index--) {
      addDescriptor(records[index]?.socket, tracked);
      if (!slices.isOver()) continue;
      await slices.next();
      if (this.#isGivenUp) break;
    }
    return tracked;
  }

  /** The inodes of all other sockets, by descriptor. */
  async #probe(tracked: ReadonlySet<number>, slices: Slices): Promise<Map<number, number>> {
    const inodes = new Map<number, number>();
    let open = this.#descriptors.count() ?? Number.POSITIVE_INFINITY;
    let gaps = 0;
    for (let fd = 0, met = 0; met < open && gaps < MAX_GAPS; fd++) {
      const inode = tracked.has(fd) ? 0 : this.#descriptors.inodeOf(fd);
      if (inode > 0) inodes.set(fd, inode);
      if (inode < 0) gaps++;
      else met++;
      if (!slices.isOver()) continue;
      await slices.next();
      if (this.#isGivenUp) break;
      open = this.#descriptors.count() ?? Number.POSITIVE_INFINITY;
    }
    return inodes;
  }
}

function descriptorsOf(objects: Iterable<unknown>): Set<number> {
  const descriptors = new Set<number>();
  for (const object of objects) addDescriptor(object, descriptors);
  return descriptors;
}

/** A socket's, a server's, or of a handle that stands in the list of active ones itself. */
function addDescriptor(object: unknown, descriptors: Set<number>): void {
  if (!isSocket(object) && !isServer(object)) return;
  const handle = (object as { readonly _handle?: NodeHandle | null })._handle;
  if (!handle) return;
  const { fd } = wireOf(handle);
  if (typeof fd === 'number' && fd >= 0) descriptors.add(fd);
}

function listeningPorts(objects: Iterable<object>): Set<number> {
  const ports = new Set<number>();
  for (const object of objects) {
    const address = isServer(object) ? (object as NodeServer).address() : null;
    if (typeof address === 'object' && address !== null) ports.add(address.port);
  }
  return ports;
}

const NONE: ReadonlySet<number> = new Set();
