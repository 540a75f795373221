import type { KernelRow } from '../sockets/row.ts';
import { TUPLE, TUPLE_WORDS } from '../sockets/tuple.ts';
import { STATE } from '../tcp/state.ts';

/**
 * Tells a row of `ss` that comes again shortly after itself: the same tuple in the same state, of a listener the same
 * inode too, because listeners share a port through SO_REUSEPORT. A row of another state is no repeat: a socket may have
 * moved while the table was read.
 *
 * Netlink hands a table out in pieces, and the kernel finds its place again by counting in a hash chain. What was opened
 * in that chain meanwhile makes it hand out a row once more, and as many are missed. So a repeat is as close as a chain
 * is long: a few rows, or some hundreds where a namespace has a small hash of its own (tcp_child_ehash_entries).
 *
 * Each row has one cell of 512, and the next one there overwrites it: nothing that is new is ever taken for a repeat, and
 * a repeat that is far off may be taken for new. That costs 0.05 us a row, a seventh of what the `RecentRows` of procfs do.
 */
export class NearRepeats {
  readonly #cells: Uint32Array = new Uint32Array(CELLS * CELL_WORDS);

  /** Whether the row is remembered. If it is not, it is now. */
  isRepeat(row: KernelRow): boolean {
    const { tuple, state } = row;
    const cells = this.#cells;
    const from = cellOf(tuple) * CELL_WORDS;
    // Of other rows the inode is not even read: that is half of what reading a row costs.
    const distinct = state === STATE.LISTEN ? row.inode : 0;
    let same = cells[from + TUPLE_WORDS] === state && cells[from + TUPLE_WORDS + 1] === distinct;
    for (let word = 0; word < TUPLE_WORDS; word++) {
      same &&= cells[from + word] === tuple[word];
      cells[from + word] = tuple[word] as number;
    }
    cells[from + TUPLE_WORDS] = state;
    cells[from + TUPLE_WORDS + 1] = distinct;
    return same;
  }
}

function cellOf(tuple: Uint32Array): number {
  const ports = ((tuple[TUPLE.localPort] as number) << 16) ^ (tuple[TUPLE.peerPort] as number);
  const addresses = (tuple[TUPLE.localAddress + 3] as number) ^ ((tuple[TUPLE.peerAddress + 3] as number) << 7);
  const hash = Math.imul(ports ^ addresses, 0x9e3779b1);
  return (hash ^ (hash >>> 15)) & (CELLS - 1);
}

/** A power of two. */
const CELLS = 512;
const CELL_WORDS: number = TUPLE_WORDS + 2;
