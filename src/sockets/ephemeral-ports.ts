import { PortSet } from './port-set.ts';
import { isReusable, type PortSettings, usablePorts } from './port-settings.ts';
import type { KernelRow } from './row.ts';
import { TUPLE, TUPLE_WORDS } from './tuple.ts';
import { TupleIndex } from './tuple-index.ts';
import { sourceKey, type Upstreams } from './upstreams.ts';
import { widened } from './widened.ts';

/** How many pairs of a local address and an upstream are counted apart. */
const PAIR_LIMIT = 16_384;

/**
 * Counts, over the rows of one table, how far the local ports of outgoing connections are used up.
 *
 * Where the kernel chooses the port at connect(2), the same port serves any number of destinations: what runs out is the
 * ports of one local address towards one peer's address and port. Where the program has bound the socket first
 * (`localAddress`), the port is taken from all other sockets of that local address, whatever they connect to, and it is
 * that address whose ports run out; a TIME_WAIT then holds its port for the whole minute. Either way every row of the
 * network namespace counts, whoever owns it.
 *
 * Not seen: ports that other programs have bound and not connected; that sockets which are bound take their ports from
 * those which are not; limits of a NAT on the way; net.ipv4.tcp_tw_reuse_delay, which is taken to be a second.
 */
export class EphemeralPorts {
  readonly #upstreams: Upstreams;
  readonly #timeWaitReuse: number;
  /** The ports of the range that are not reserved; undefined where the range is not known. */
  readonly #usable: PortSet | undefined;
  readonly #listening: PortSet = new PortSet();
  readonly #pairs: TupleIndex = new TupleIndex();
  #pairCounts: Int32Array = new Int32Array(16);
  #omitted = 0;
  /** What was known when the table was begun: an endpoint or a source that came later has not seen all rows. */
  readonly #generation: number;
  readonly #endpoints: number;
  /** Of those endpoints: the rows of a server have other peer ports, mostly, and need not be looked up. */
  readonly #peerPorts: PortSet;
  readonly #sources: TupleIndex;
  readonly #portsBySource: readonly PortSet[];
  /** Where the wildcard stands in {@link #sources}: a socket bound to it shares its port with no address. */
  readonly #anySource: number;
  readonly #scratch: Uint32Array = new Uint32Array(TUPLE_WORDS);

  constructor(upstreams: Upstreams, settings: PortSettings | undefined) {
    this.#upstreams = upstreams;
    this.#timeWaitReuse = settings?.timeWaitReuse ?? 0;
    this.#usable = usablePorts(settings);
    this.#generation = upstreams.generation;
    this.#endpoints = upstreams.size;
    this.#peerPorts = this.#portsOf(upstreams);
    this.#sources = upstreams.sources;
    this.#portsBySource = Array.from({ length: this.#sources.slots }, () => new PortSet());
    this.#anySource = this.#sources.find(new Uint32Array(TUPLE_WORDS));
  }

  /** Whether a row matters only because of its local port: an address that the program binds to has ports there. */
  wants(localPort: number): boolean {
    return this.#portsBySource.length > 0 && this.#usable?.has(localPort) === true;
  }

  /** Takes a port that somebody listens on: it is given to no outgoing connection. */
  addListener(port: number): void {
    this.#listening.add(port);
  }

  /** Takes one row of the table, not in LISTEN. */
  add(row: KernelRow): void {
    const port = row.tuple[TUPLE.localPort] as number;
    if (this.#usable === undefined || !this.#usable.has(port)) return;
    this.#addToSource(row.tuple, port);
    if (!this.#peerPorts.has(row.tuple[TUPLE.peerPort] as number) || isReusable(row, this.#timeWaitReuse)) return;
    const key = this.#pairKey(row.tuple);
    let pair = this.#pairs.find(key);
    if (pair < 0) {
      if (this.#upstreams.find(key) < 0) return;
      if (this.#pairs.size === PAIR_LIMIT) {
        this.#omitted++;
        return;
      }
      pair = this.#pairs.insert(key);
      if (pair >= this.#pairCounts.length) {
        this.#pairCounts = widened(this.#pairCounts, new Int32Array(this.#pairCounts.length * 2));
      }
    }
    this.#pairCounts[pair] = (this.#pairCounts[pair] as number) + 1;
  }

  /** How many ports may be used towards one destination; NaN where the range is not known. */
  get limit(): number {
    return this.#usable === undefined ? Number.NaN : this.#usable.size - this.#listening.countIn(this.#usable);
  }

  /** Rows that were not counted because of the limit of pairs. */
  get omitted(): number {
    return this.#omitted;
  }

  /** By name slot, the ports in use towards the name's worst destination; NaN where none is known. */
  usedByName(capacity: number): Float64Array {
    const used = new Float64Array(capacity).fill(Number.NaN);
    // What was forgotten while the table was read has other places now, and did not see all rows.
    if (this.#usable === undefined || this.#upstreams.generation !== this.#generation) return used;
    const worst = this.#worstByEndpoint();
    // The connections that a listener accepted have its port, which is not in the limit.
    const bySource = this.#portsBySource.map((ports) => ports.size - ports.countIn(this.#listening));
    for (let slot = 0; slot < capacity; slot++) {
      let most = -1;
      for (const place of this.#upstreams.endpointsOf(slot)) most = Math.max(most, worst[place] ?? -1);
      for (const source of this.#upstreams.sourcesOf(slot)) most = Math.max(most, bySource[source] ?? -1);
      if (most >= 0) used[slot] = most;
    }
    return used;
  }

  /** For each endpoint that was known when the table was begun. */
  #worstByEndpoint(): Int32Array {
    const worst = new Int32Array(this.#endpoints);
    for (let pair = 0; pair < this.#pairs.slots; pair++) {
      this.#pairs.read(pair, this.#scratch);
      const place = this.#upstreams.find(this.#scratch);
      const count = this.#pairCounts[pair] as number;
      if (place >= 0 && place < worst.length && count > (worst[place] as number)) worst[place] = count;
    }
    return worst;
  }

  #portsOf(upstreams: Upstreams): PortSet {
    const ports = new PortSet();
    for (let place = 0; place < upstreams.size; place++) {
      upstreams.read(place, this.#scratch);
      ports.add(this.#scratch[TUPLE.peerPort] as number);
    }
    return ports;
  }

  #addToSource(tuple: Uint32Array, port: number): void {
    if (this.#portsBySource.length === 0) return;
    this.#portsBySource[this.#sources.find(sourceKey(tuple, this.#scratch))]?.add(port);
    this.#portsBySource[this.#anySource]?.add(port);
  }

  /** A tuple with its local port blanked. */
  #pairKey(tuple: Uint32Array): Uint32Array {
    const key = this.#scratch;
    for (let index = 0; index < TUPLE_WORDS; index++) key[index] = tuple[index] as number;
    key[TUPLE.localPort] = 0;
    return key;
  }
}
