import type { EndSample, TableSample } from '../detect/load-test/load-sample.ts';
import type { PortSet } from '../sockets/port-set.ts';
import type { PortSettings } from '../sockets/port-settings.ts';
import type { KernelRow, RowSink } from '../sockets/row.ts';
import { TUPLE } from '../sockets/tuple.ts';
import { countsByState, STATE, STATE_SLOTS, type State, type StateCounts } from '../tcp/state.ts';
import type { Destinations } from './destinations.ts';
import type { HostAddresses } from './host-addresses.ts';
import { PortUse } from './port-use.ts';
import { addWaiting } from './waiting-connections.ts';

/** Whose table it is: what tells the rows of a load test from all others. */
export interface Viewpoint {
  /** The ports that the target listens on. */
  readonly ports: PortSet;
  /** All ports that anybody in this namespace listens on, as earlier tables showed; those of this one are added. */
  readonly listening: PortSet;
  readonly host: HostAddresses;
  /** The sockets of the target's processes, as of late; empty where they may not be listed. */
  readonly owned: ReadonlySet<number>;
  /** Where they connect to. Those of rows that are owned are added. */
  readonly destinations: Destinations;
  /** Whether to look through all rows for those that are owned, because `owned` was just read. */
  readonly isLearning: boolean;
  readonly settings: PortSettings;
}

/** What one table said: all of a {@link TableSample} that comes from its rows. */
export interface TableSight extends Omit<TableSample, 'source' | 'degraded' | 'acceptQueue'> {
  /** Undefined where the target has no listener in the table. */
  readonly queue: { readonly connections: number; readonly limit: number; readonly listeners: number } | undefined;
  /** The connections that wait to be accepted, see {@link WaitingConnections}. */
  readonly waiting: ReadonlySet<number | string>;
}

/**
 * Sees one table of the kernel from outside the process that is tested. Which process holds a socket is not in the
 * table, so the server's end is what has one of the target's ports, and the callers' end what goes to one of them on
 * this host; what the target opens itself is told by the inodes of its descriptors.
 *
 * @example
 * const view = new TableView(viewpoint);
 * await chain.read({ ...request, begin: () => view });
 * view.sight().server.close_wait; // 12
 */
export class TableView implements RowSink {
  readonly #from: Viewpoint;
  readonly #netns: Uint32Array = new Uint32Array(STATE_SLOTS);
  readonly #server: End = new End();
  readonly #callers: End = new End();
  readonly #outbound: End = new End();
  readonly #portUse: PortUse;
  readonly #waiting: Set<number | string> = new Set();
  #queued = 0;
  #limit = 0;
  #listeners = 0;
  #rows = 0;

  constructor(from: Viewpoint) {
    this.#from = from;
    this.#portUse = new PortUse(from.settings);
  }

  wants(state: State, localPort: number, peerPort: number): boolean {
    this.#rows++;
    this.#netns[state] = (this.#netns[state] as number) + 1;
    const { ports, listening, destinations, isLearning } = this.#from;
    if (state === STATE.LISTEN) {
      listening.add(localPort);
      this.#portUse.addListener(localPort);
      return ports.has(localPort);
    }
    if (ports.has(localPort) || ports.has(peerPort)) return true;
    // What another listener has accepted is no outgoing connection, and a TIME_WAIT has no owner to learn from.
    if (listening.has(localPort)) return false;
    return destinations.ports.has(peerPort) || (isLearning && state !== STATE.TIME_WAIT);
  }

  add(row: KernelRow): void {
    const { ports, host, owned, destinations } = this.#from;
    const { tuple, state, inode } = row;
    if (ports.has(tuple[TUPLE.localPort] as number)) {
      if (state === STATE.LISTEN) this.#addListener(row);
      else {
        this.#server.add(row);
        // Nobody has a descriptor of it yet: it is in the accept queue.
        if (inode === 0 && (state === STATE.ESTABLISHED || state === STATE.CLOSE_WAIT)) addWaiting(this.#waiting, row);
      }
      return;
    }
    if (ports.has(tuple[TUPLE.peerPort] as number) && host.has(tuple, TUPLE.peerAddress)) {
      this.#callers.add(row);
      this.#portUse.add(row, 'callers');
      return;
    }
    const isOwned = inode !== 0 && owned.has(inode);
    if (isOwned) destinations.learn(tuple);
    else if (!destinations.has(tuple)) return;
    this.#portUse.add(row, 'outbound');
    if (isOwned || inode === 0) this.#outbound.add(row);
  }

  sight(): TableSight {
    return {
      rows: this.#rows,
      netns: countsByState((state) => this.#netns[state] as number),
      server: { ...this.#server.states(), listen: this.#listeners },
      callers: this.#callers.states(),
      outbound: this.#outbound.states(),
      serverEnd: this.#server.sample(),
      callersEnd: this.#callers.sample(),
      outboundEnd: this.#outbound.sample(),
      ports: this.#portUse.worst(),
      queue:
        this.#listeners === 0
          ? undefined
          : { connections: this.#queued, limit: this.#limit, listeners: this.#listeners },
      waiting: this.#waiting,
    };
  }

  #addListener({ receiveQueue, sendQueue }: Readonly<KernelRow>): void {
    this.#listeners++;
    this.#queued += receiveQueue;
    this.#limit += sendQueue;
  }
}

/** Adds up the rows of one end. */
class End {
  readonly #states: Uint32Array = new Uint32Array(STATE_SLOTS);
  readonly #sums: { -readonly [what in keyof EndSample]: EndSample[what] } = {
    unread: 0,
    unreadBytes: 0,
    unsent: 0,
    unsentBytes: 0,
    zeroWindow: 0,
    retransmitting: 0,
    synRetransmitting: 0,
    closeWaitHeld: 0,
  };

  add({ state, receiveQueue, sendQueue, timer, retransmits, inode }: Readonly<KernelRow>): void {
    this.#states[state] = (this.#states[state] as number) + 1;
    const sums = this.#sums;
    if (receiveQueue > 0) {
      sums.unread++;
      sums.unreadBytes += receiveQueue;
    }
    // A SYN counts as one byte, and is no data.
    const isOpening = state === STATE.SYN_SENT || state === STATE.SYN_RECEIVED;
    if (sendQueue > 0 && !isOpening) {
      sums.unsent++;
      sums.unsentBytes += sendQueue;
    }
    if (timer === 'persist') sums.zeroWindow++;
    if (timer === 'on' && retransmits > 0) {
      if (isOpening) sums.synRetransmitting++;
      else sums.retransmitting++;
    }
    if (state === STATE.CLOSE_WAIT && inode !== 0) sums.closeWaitHeld++;
  }

  states(): StateCounts {
    return countsByState((state) => this.#states[state] as number);
  }

  sample(): EndSample {
    return { ...this.#sums };
  }
}
