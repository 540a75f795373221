import type { PortSample } from '../detect/load-test/load-sample.ts';
import { PortSet } from '../sockets/port-set.ts';
import { isReusable, type PortSettings, usablePorts } from '../sockets/port-settings.ts';
import type { KernelRow } from '../sockets/row.ts';
import { endpointText, TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';
import { TupleIndex } from '../sockets/tuple-index.ts';
import { STATE } from '../tcp/state.ts';

/** So many pairs of a local address and a destination are counted apart, and so many of them are told. */
const MOST_PAIRS = 4_096;
const MOST_TOLD = 3;

/**
 * Counts the local ports in use over one table: what runs out is the ports of one local address towards one address and
 * port (see EphemeralPorts, which does the same for the names of a monitor). A TIME_WAIT that connect(2) may take over
 * is not in use.
 */
export class PortUse {
  readonly #usable: PortSet | undefined;
  readonly #timeWaitReuse: number;
  readonly #listening: PortSet = new PortSet();
  readonly #pairs: TupleIndex = new TupleIndex();
  readonly #counts: { used: number; timeWait: number; readonly whose: PortSample['whose'] }[] = [];
  readonly #scratch: Uint32Array = new Uint32Array(TUPLE_WORDS);

  constructor(settings: PortSettings) {
    this.#usable = usablePorts(settings);
    this.#timeWaitReuse = settings.timeWaitReuse ?? 0;
  }

  /** Takes a port that somebody listens on: it is given to no outgoing connection. */
  addListener(port: number): void {
    this.#listening.add(port);
  }

  /** Takes one row of an outgoing connection. */
  add(row: Readonly<KernelRow>, whose: PortSample['whose']): void {
    const port = row.tuple[TUPLE.localPort] as number;
    if (this.#usable !== undefined && !this.#usable.has(port)) return;
    if (isReusable(row, this.#timeWaitReuse)) return;
    this.#scratch.set(row.tuple);
    this.#scratch[TUPLE.localPort] = 0;
    let pair = this.#pairs.find(this.#scratch);
    if (pair < 0) {
      if (this.#pairs.size >= MOST_PAIRS) return;
      pair = this.#pairs.insert(this.#scratch);
      this.#counts[pair] = { used: 0, timeWait: 0, whose };
    }
    const count = this.#counts[pair];
    if (count === undefined) return;
    count.used++;
    if (row.state === STATE.TIME_WAIT) count.timeWait++;
  }

  /** The destinations that use most, the worst first. */
  worst(): PortSample[] {
    const usable = this.#usable;
    const limit = usable === undefined ? undefined : usable.size - this.#listening.countIn(usable);
    return this.#counts
      .map((count, pair) => ({ ...count, pair }))
      .sort((one, other) => other.used - one.used)
      .slice(0, MOST_TOLD)
      .map(({ used, timeWait, whose, pair }) => {
        this.#pairs.read(pair, this.#scratch);
        const destination = endpointText(this.#scratch, TUPLE.peerAddress, TUPLE.peerPort);
        return { whose, destination, used, timeWait, ...(limit === undefined ? {} : { limit }) };
      });
  }
}
