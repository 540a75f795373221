import { STATE } from '../tcp/state.ts';
import { type SocketRecord, stateOf } from './record.ts';
import { isWildcard, TUPLE, TUPLE_WORDS } from './tuple.ts';
import { TupleIndex } from './tuple-index.ts';

/** How many endpoints that client sockets connect to are remembered. */
const UPSTREAM_LIMIT = 4_096;

/** How many local addresses that client sockets were bound to are remembered: each costs a sample 8 KiB. */
export const SOURCE_LIMIT = 64;

/**
 * Where the client sockets connect to, and under which names; and the local addresses that the program bound them to,
 * where it did. What is not used comes back with its next attempt when there was too much to remember.
 */
export class Upstreams {
  readonly #records: readonly SocketRecord[];
  #index = new TupleIndex();
  /** The name slot that last used each endpoint, and the one that last did so without binding. */
  #slots: Int16Array = new Int16Array(UPSTREAM_LIMIT);
  #unboundSlots: Int16Array = new Int16Array(UPSTREAM_LIMIT);
  #sources = new TupleIndex();
  readonly #endpointsByName: Map<number, Set<number>> = new Map();
  readonly #sourcesByName: Map<number, Set<number>> = new Map();
  readonly #scratch: Uint32Array = new Uint32Array(TUPLE_WORDS);
  readonly #byText: Map<string, { readonly port: number; readonly place: number }> = new Map();
  #generation = 0;

  /** @param records the live records, which are asked for what they connect to when everything else is forgotten */
  constructor(records: readonly SocketRecord[]) {
    this.#records = records;
  }

  /** How many endpoints are remembered: places are given out in order, from 0 on. */
  get size(): number {
    return this.#index.size;
  }

  /** How often everything was forgotten: places mean the same as long as this is the same. */
  get generation(): number {
    return this.#generation;
  }

  /** The local addresses that sockets were bound to, each as a tuple of nothing else; the wildcard is all zeros. */
  get sources(): TupleIndex {
    return this.#sources;
  }

  /** Remembers the peer's endpoint of a tuple. Returns its place, which `SocketRecord.upstream` is. */
  remember(tuple: Uint32Array): number {
    const known = this.find(tuple);
    if (known >= 0) return known;
    if (this.#index.size === UPSTREAM_LIMIT) this.#startOver();
    const place = this.#index.insert(upstreamKey(tuple, this.#scratch));
    this.#slots[place] = -1;
    this.#unboundSlots[place] = -1;
    return place;
  }

  /** The place of an endpoint that was noted by its text, or -1. */
  placeOfText(address: string, port: number): number {
    const known = this.#byText.get(address);
    return known !== undefined && known.port === port ? known.place : -1;
  }

  /** Notes the newest port of an address: the same text comes again, and need not be parsed and looked up twice. */
  noteText(address: string, port: number, place: number): void {
    if (this.#byText.size === UPSTREAM_LIMIT) this.#byText.clear();
    this.#byText.set(address, { port, place });
  }

  /** Says which name an endpoint goes by, for a socket whose port the kernel chooses at connect(2). */
  name(place: number, slot: number): void {
    if (place < 0) return;
    this.#slots[place] = slot;
    if (this.#unboundSlots[place] === slot || slot < 0) return;
    this.#unboundSlots[place] = slot;
    addTo(this.#endpointsByName, slot, place);
  }

  /** The same for a socket that the program has bound to the local address of a tuple before. */
  nameBound(place: number, slot: number, tuple: Uint32Array): void {
    if (place >= 0) this.#slots[place] = slot;
    const key = sourceKey(tuple, this.#scratch);
    let source = this.#sources.find(key);
    if (source < 0) {
      if (this.#sources.size === SOURCE_LIMIT) {
        this.#generation++;
        // A table that is being read goes on with the addresses it began with.
        this.#sources = new TupleIndex();
        this.#sourcesByName.clear();
      }
      source = this.#sources.insert(key);
    }
    addTo(this.#sourcesByName, slot, source);
  }

  /** The place of the peer's endpoint of a tuple, or -1. */
  find(tuple: Uint32Array): number {
    return this.#index.find(upstreamKey(tuple, this.#scratch));
  }

  /** The name slot that last used the peer's endpoint of a tuple, or -1. */
  slotOf(tuple: Uint32Array): number {
    const place = this.find(tuple);
    return place < 0 ? -1 : (this.#slots[place] as number);
  }

  /** Copies an endpoint out, as a tuple of nothing but its peer. */
  read(place: number, into: Uint32Array): void {
    this.#index.read(place, into);
  }

  /** The places of the endpoints that a name connects to without binding. */
  endpointsOf(slot: number): ReadonlySet<number> {
    return this.#endpointsByName.get(slot) ?? NONE;
  }

  /** The places in {@link sources} of the addresses that a name is bound to. */
  sourcesOf(slot: number): ReadonlySet<number> {
    return this.#sourcesByName.get(slot) ?? NONE;
  }

  /** Forgets a name whose slot is given to another. */
  forgetName(slot: number): void {
    for (const slots of [this.#slots, this.#unboundSlots]) {
      for (const [place, named] of slots.entries()) if (named === slot) slots[place] = -1;
    }
    this.#endpointsByName.delete(slot);
    this.#sourcesByName.delete(slot);
  }

  /**
   * Starts over with the endpoints that are being connected to: what is in use comes back with its next attempt. A
   * record that lets go of its endpoint is asked for its peer by getpeername, which answers once it is connected.
   */
  #startOver(): void {
    this.#generation++;
    const old = this.#index;
    const oldSlots = this.#slots;
    const key = new Uint32Array(TUPLE_WORDS);
    this.#byText.clear();
    this.#index = new TupleIndex();
    this.#slots = new Int16Array(UPSTREAM_LIMIT).fill(-1);
    this.#unboundSlots = new Int16Array(UPSTREAM_LIMIT).fill(-1);
    this.#endpointsByName.clear();
    for (const record of this.#records) {
      const from = record.upstream;
      record.upstream = -1;
      // At most half: else the next start over would soon be due.
      if (from < 0 || stateOf(record) !== STATE.SYN_SENT || this.#index.size >= UPSTREAM_LIMIT / 2) continue;
      old.read(from, key);
      const known = this.#index.find(key);
      record.upstream = known >= 0 ? known : this.#index.insert(key);
      this.name(record.upstream, oldSlots[from] as number);
    }
  }
}

const NONE: ReadonlySet<number> = new Set();

function addTo(sets: Map<number, Set<number>>, slot: number, place: number): void {
  const set = sets.get(slot);
  if (set === undefined) sets.set(slot, new Set([place]));
  else set.add(place);
}

/** A tuple with everything but the peer's endpoint blanked. */
function upstreamKey(tuple: Uint32Array, into: Uint32Array): Uint32Array {
  for (let index = TUPLE.localAddress; index < TUPLE.peerAddress; index++) into[index] = 0;
  for (let index = TUPLE.peerAddress; index < TUPLE.localPort; index++) into[index] = tuple[index] as number;
  into[TUPLE.localPort] = 0;
  into[TUPLE.peerPort] = tuple[TUPLE.peerPort] as number;
  return into;
}

/** A tuple with everything but the local address blanked, and that too where it is a wildcard of either family. */
export function sourceKey(tuple: Uint32Array, into: Uint32Array): Uint32Array {
  into.fill(0);
  if (isWildcard(tuple, TUPLE.localAddress)) return into;
  for (let index = TUPLE.localAddress; index < TUPLE.peerAddress; index++) into[index] = tuple[index] as number;
  return into;
}
