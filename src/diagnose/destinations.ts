import { PortSet } from '../sockets/port-set.ts';
import { TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';
import { TupleIndex } from '../sockets/tuple-index.ts';

/** A process that connects to more places than that is a crawler: the rest of them is not told apart. */
const MOST_DESTINATIONS = 4_096;

/** Where a process connects to, by address and port: learned from its rows, and never forgotten. */
export class Destinations {
  /** The ports of all of them, for a quick no. */
  readonly ports: PortSet = new PortSet();
  readonly #index: TupleIndex = new TupleIndex();
  readonly #scratch: Uint32Array = new Uint32Array(TUPLE_WORDS);

  /** Learns the destination of a row. */
  learn(tuple: Uint32Array): void {
    if (this.#index.size >= MOST_DESTINATIONS || this.#index.find(this.#key(tuple)) >= 0) return;
    this.#index.insert(this.#scratch);
    this.ports.add(tuple[TUPLE.peerPort] as number);
  }

  /** Whether a row goes to one of them. */
  has(tuple: Uint32Array): boolean {
    return this.ports.has(tuple[TUPLE.peerPort] as number) && this.#index.find(this.#key(tuple)) >= 0;
  }

  /** The tuple with its local end blanked. */
  #key(tuple: Uint32Array): Uint32Array {
    this.#scratch.fill(0);
    for (let word = 0; word < 4; word++) {
      this.#scratch[TUPLE.peerAddress + word] = tuple[TUPLE.peerAddress + word] as number;
    }
    this.#scratch[TUPLE.peerPort] = tuple[TUPLE.peerPort] as number;
    return this.#scratch;
  }
}
