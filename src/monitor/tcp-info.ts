import { type TcpInfo, TcpInfoReader } from '../kernel/ss/parse-tcp-info.ts';
import type { SsRead, SsReadOptions } from '../kernel/ss/ss-runner.ts';
import { HistogramTable } from '../sockets/histogram-table.ts';
import type { Ledger } from '../sockets/ledger.ts';
import { FLAG } from '../sockets/record.ts';
import type { KernelRow } from '../sockets/row.ts';
import { TUPLE, TUPLE_WORDS, withAnyLocal } from '../sockets/tuple.ts';

/** Upper bounds of `rtt_seconds`: from one machine room to the other side of the world. */
const RTT_BOUNDS: readonly number[] = [0.0005, 0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1];
/** Upper bounds of `congestion_window_segments`. A connection starts with 10 (RFC 6928), and with 1 after a timeout. */
const CONGESTION_WINDOW_BOUNDS: readonly number[] = [1, 2, 5, 9, 10, 20, 50, 200];

/** More ports than these make a filter that costs more than it saves. */
const MAX_FILTERED_PORTS = 16;

/** Reads a table with one ss. */
export type ReadSs = (options: Pick<SsReadOptions, 'args' | 'onRow' | 'onDetails'>) => Promise<SsRead>;

/**
 * What the kernel knows of each of our own connections (tcp_info): asked for with `ss -i` now and then, because it is
 * ten times as long as a row without it. Every sample counts each connection once.
 */
export class TcpInfoSampler {
  readonly roundTripSeconds: HistogramTable = new HistogramTable(RTT_BOUNDS);
  readonly congestionWindows: HistogramTable = new HistogramTable(CONGESTION_WINDOW_BOUNDS);
  /**
   * Connections by name slot, as of the newest sample, whose segments were sent again and are not acknowledged yet;
   * undefined before the first one, and where the newest one failed.
   */
  retransmitting: Int32Array | undefined;
  readonly #ledger: Ledger;
  readonly #anyLocal: Uint32Array = new Uint32Array(TUPLE_WORDS);

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * Takes one sample; undefined where there is no connection to ask about. What was counted before a failure stays
   * counted.
   */
  async sample(read: ReadSs): Promise<SsRead | undefined> {
    const retransmitting = new Int32Array(this.#ledger.names.capacity);
    if (this.#ledger.tuples.size === 0) {
      this.retransmitting = retransmitting;
      return undefined;
    }
    const reader = new TcpInfoReader((row, info) => {
      const slot = this.#ownSlot(row);
      if (slot >= 0) this.#take(slot, info, retransmitting);
    });
    const { onRow, onDetails } = reader;
    // Without -a neither listeners nor TIME_WAIT, which have nothing to tell.
    const result = await read({ args: ['-Htni', ...portFilter(this.#ledger)], onRow, onDetails });
    this.retransmitting = result.ok ? retransmitting : undefined;
    return result;
  }

  /** There is no newest sample any more; what was counted stays counted. */
  forgetNewest(): void {
    this.retransmitting = undefined;
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    this.roundTripSeconds.forget(slot);
    this.congestionWindows.forget(slot);
    this.retransmitting?.fill(0, slot, slot + 1);
  }

  #take(slot: number, info: TcpInfo, retransmitting: Int32Array): void {
    const { rttMs, congestionWindow } = info;
    if (rttMs >= 0) this.roundTripSeconds.observe(slot, rttMs / 1000);
    if (congestionWindow > 0) this.congestionWindows.observe(slot, congestionWindow);
    if (info.retransmitting > 0) retransmitting[slot] = (retransmitting[slot] as number) + 1;
  }

  #ownSlot({ tuple }: KernelRow): number {
    const { tuples } = this.#ledger;
    let index = tuples.find(tuple);
    if (index < 0) index = tuples.find(withAnyLocal(tuple, this.#anyLocal));
    return index < 0 ? -1 : (this.#ledger.recordAtTuple(index)?.slot ?? -1);
  }
}

/**
 * A filter of ss for the ports of our own connections, which the kernel applies; none where there are too many. They
 * are those of the server's end, which many connections share. What has no tuple yet could not be found anyway.
 */
function portFilter({ records, tuples }: Ledger): string[] {
  const local = new Set<number>();
  const peer = new Set<number>();
  const tuple = new Uint32Array(TUPLE_WORDS);
  for (const { tupleSlot, flags } of records) {
    if (tupleSlot < 0) continue;
    tuples.read(tupleSlot, tuple);
    if ((flags & FLAG.server) !== 0) local.add(tuple[TUPLE.localPort] as number);
    else peer.add(tuple[TUPLE.peerPort] as number);
    if (local.size + peer.size > MAX_FILTERED_PORTS) return [];
  }
  const terms = [...Array.from(local, (port) => `sport = :${port}`), ...Array.from(peer, (port) => `dport = :${port}`)];
  return terms.length === 0 ? [] : ['(', ...terms.join(' or ').split(' '), ')'];
}
