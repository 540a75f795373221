import { causeOf } from '../detect/leaks/close-wait-cause.ts';
import {
  type CloseWaitCause,
  type Divergence,
  LEAK_STATES,
  type LeakCause,
  type LeakState,
  type LeakThresholds,
} from '../detect/leaks/leak.ts';
import type { ObserveContext } from '../observe/context.ts';
import type { NodeSocket } from '../observe/node-socket.ts';
import { Slices, visitRecords } from '../observe/slices.ts';
import { isPooled, socketFlagsOf } from '../observe/socket-flags.ts';
import type { KernelColumn } from '../sockets/join.ts';
import { TICKS_PER_MS } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord, stateOf } from '../sockets/record.ts';
import { blankRow, type KernelRow } from '../sockets/row.ts';
import { RowAges, type Sighting, type Traffic } from '../sockets/row-ages.ts';
import type { SocketFlags } from '../sockets/socket-flags.ts';
import type { SuspectFacts } from '../sockets/suspects.ts';
import { UNTRACKED_SLOT } from '../sockets/untracked-sockets.ts';
import { STATE, STATE_SLOTS, type State, stateLabel } from '../tcp/state.ts';
import { LeakCounts } from './leak-counts.ts';
import { groupLeaks, type KnownCulprit, type LeakGrouping } from './leak-grouping.ts';

/** ESTABLISHED with unacknowledged bytes is suspected to be half-open after so many retransmissions. */
const HALF_OPEN_RETRANSMITS = 3;
/** What contradicts itself in one table may be on its way; in two, nothing is. */
const TABLES_THAT_AGREE = 2;

/** What is known of one table. */
export interface ExaminedTable {
  readonly column: KernelColumn;
  /** False where something is wrong with it: it then neither ages nor clears anything. */
  readonly isSound: boolean;
  /** The longest turn of the event loop while it was read, in milliseconds. */
  readonly loopBlockedMs: number;
}

/** What the newest tables say of leaks. */
export interface LeakFindings extends LeakGrouping {
  /** Of the newest table: what is in CLOSE_WAIT, by cause. */
  readonly closeWait: LeakCounts;
  /** Of the newest one that was sound, like all the rest. */
  readonly leaks: LeakCounts;
  /** Every leaked socket, for those who want to do something about it. */
  readonly leaked: readonly Leak[];
  /** When that table was complete, on the ledger's clock in milliseconds; undefined while there was none. */
  readonly soundAtMs: number | undefined;
}

/** One leaked socket. */
export interface Leak {
  readonly cause: LeakCause;
  readonly state: State;
  /** -1 where no record has it. */
  readonly slot: number;
  /** Undefined for a row without a record. */
  readonly record: SocketRecord | undefined;
  readonly ageMs: number;
  /** Since when nothing has moved on it. */
  readonly idleMs: number;
  readonly sighting: Sighting<KnownCulprit>;
  readonly flags: SocketFlags | undefined;
  /** Where its row is among the table's suspects; -1 where the kernel has none. */
  readonly index: number;
}

/** What is gathered from one table. */
interface Examination extends ExaminedTable {
  readonly counts: LeakCounts;
  readonly leaks: Leak[];
}

/**
 * Looks through the suspicious rows of each table for sockets that leak, with what Node knows of each: since when, why,
 * and whose they are. Works in slices, and asks for the culprit only of what has leaked.
 */
export class LeakFinder {
  readonly #context: ObserveContext;
  readonly #thresholds: LeakThresholds;
  readonly #ages: RowAges<KnownCulprit> = new RowAges();
  /** How long the two columns have contradicted each other, by the same keys. */
  readonly #contradictions: RowAges<KnownCulprit> = new RowAges();
  readonly #row: KernelRow = blankRow();
  #untrackedBefore = 0;
  /** Of the newest sound table. */
  #sound: Omit<LeakFindings, 'closeWait'>;

  constructor(context: ObserveContext, thresholds: LeakThresholds) {
    this.#context = context;
    this.#thresholds = thresholds;
    const leaks = new LeakCounts(context.ledger.names.capacity);
    this.#sound = { leaks, groups: [], groupsOmitted: 0, leaked: [], soundAtMs: undefined };
  }

  /** Examines a complete table. Returns what it says, and how many milliseconds of work that was. */
  async examine(table: ExaminedTable): Promise<{ readonly findings: LeakFindings; readonly workMs: number }> {
    const slices = new Slices();
    const counts = new LeakCounts(this.#context.ledger.names.capacity);
    const examination: Examination = { ...table, counts, leaks: [] };
    if (table.isSound) this.#begin();
    await this.#examineRows(examination, slices);
    if (table.isSound) {
      await this.#examineGhosts(examination, slices);
      this.#examineUnclosed(examination);
      counts.divergent.untracked_fd = this.#countUntracked(table.column);
      this.#end();
      const { leaks } = examination;
      const grouping = await groupLeaks(this.#context, table.column, leaks, slices);
      this.#sound = { leaks: counts, leaked: leaks, soundAtMs: table.column.endedAt, ...grouping };
    }
    return { findings: { ...this.#sound, closeWait: counts }, workMs: slices.end() };
  }

  #begin(): void {
    this.#ages.begin();
    this.#contradictions.begin();
  }

  #end(): void {
    this.#ages.end();
    this.#contradictions.end();
  }

  // ---- rows -----------------------------------------------------------------------------------------------------

  async #examineRows(examination: Examination, slices: Slices): Promise<void> {
    const { suspects, ownStates, untrackedStates } = examination.column;
    for (let index = 0; index < suspects.length; index++) {
      const facts = suspects.factsAt(index);
      if (facts.own) this.#examineRow(examination, index, facts);
      if (slices.isOver()) await slices.next();
    }
    if (suspects.omitted === 0) return;
    // What a limit kept out was counted by state: without its row nobody can say why.
    const { counts } = examination;
    for (const { slot } of this.#context.ledger.names.entries()) {
      const all = ownStates[slot * STATE_SLOTS + STATE.CLOSE_WAIT] as number;
      counts.addCloseWait(slot, 'undetermined', all - counts.allCloseWait(slot));
    }
    const untracked = untrackedStates[STATE.CLOSE_WAIT] as number;
    counts.addCloseWait(UNTRACKED_SLOT, 'untracked', untracked - counts.allCloseWait(UNTRACKED_SLOT));
  }

  #examineRow(examination: Examination, index: number, { slot, key, tupleSlot }: SuspectFacts): void {
    const { column, counts, leaks } = examination;
    const row = this.#row;
    column.suspects.read(index, row);
    const { state } = row;
    const record = this.#recordOf(tupleSlot, key);
    const socket = record?.socket as NodeSocket | undefined;
    const flags = socket === undefined ? undefined : this.#asked(() => socketFlagsOf(socket));
    const isComparable = flags !== undefined && isUnchanged(record, column);
    const isCloseWait = state === STATE.CLOSE_WAIT;
    const cause = isCloseWait ? this.#countCloseWait(examination, slot, isComparable, flags) : causeOfState(row, flags);
    if (cause === undefined || !examination.isSound || key === 0) return;
    // It has a cause of its own, and nothing of the peer's would end it.
    if (record !== undefined && this.#context.forgotten.has(record)) return;
    const traffic = trafficOf(row, record, flags);
    const sighting = this.#ages.see(key, state, column.endedAt, traffic, provedMs(record, state));
    const ageMs = Math.max(0, column.startedAt - sighting.sinceMs);
    const idleMs = Math.max(0, column.startedAt - sighting.movedAtMs);
    const isAgreed = sighting.tables >= TABLES_THAT_AGREE;
    const isDead = isCloseWait && isComparable && this.#contradict(examination, key, record, socket);
    if (cause === 'half_open') counts.addHalfOpen(slot);
    const isLeaked =
      cause === 'half_open' ? isAgreed : this.#countLeaked(counts, slot, state, ageMs, isAgreed ? idleMs : 0);
    // Whoever takes it out of the pool next gets an error: worth a word before the threshold.
    if (!isLeaked && !isDead) return;
    leaks.push({ cause: isDead ? 'pooled_dead' : cause, state, slot, record, ageMs, idleMs, sighting, flags, index });
  }

  #countCloseWait(
    { counts, loopBlockedMs }: Examination,
    slot: number,
    isComparable: boolean,
    flags: SocketFlags = NO_FLAGS,
  ): CloseWaitCause {
    const { receiveQueue, sendQueue } = this.#row;
    const cause = causeOf({ isTracked: slot >= 0, isComparable, loopBlockedMs, receiveQueue, sendQueue, ...flags });
    counts.addCloseWait(slot, cause);
    return cause;
  }

  /** Counts a row in a state that has a threshold, and says whether it has leaked there. */
  #countLeaked(counts: LeakCounts, slot: number, state: State, ageMs: number, idleMs: number): boolean {
    const label = LEAK_LABELS[state];
    if (label === undefined) return false;
    counts.addAge(slot, label, ageMs);
    // A connection that is half closed and still carries bytes is in use.
    if (idleMs < this.#thresholds[label]) return false;
    counts.addLeaked(slot, label);
    return true;
  }

  /** Compares the columns of a socket that the kernel has in CLOSE_WAIT. Returns whether it waits in a pool. */
  #contradict(
    { column, counts }: Examination,
    key: number,
    record: SocketRecord | undefined,
    socket: NodeSocket | undefined,
  ): boolean {
    if (record === undefined || socket === undefined) return false;
    const isDead = this.#asked(() => isPooled(record, socket)) === true;
    const isOpen = stateOf(record) === STATE.ESTABLISHED;
    if (!isDead && !isOpen) return false;
    const { tables } = this.#contradictions.see(key, STATE.CLOSE_WAIT, column.endedAt, NO_TRAFFIC);
    if (tables < TABLES_THAT_AGREE) return false;
    if (isOpen) counts.divergent.js_open_kernel_close_wait++;
    if (isDead) counts.divergent.pooled_dead++;
    return isDead;
  }

  // ---- what has no row ------------------------------------------------------------------------------------------

  /** Connections that Node holds open, and of which the walk before this table found that the kernel has none. */
  async #examineGhosts(examination: Examination, slices: Slices): Promise<void> {
    const { ledger } = this.#context;
    const suspected = ledger.names.entries().reduce((sum, { slot }) => sum + ledger.nodeState(slot, STATE.CLOSED), 0);
    if (suspected === 0) return;
    await visitRecords(ledger, slices, (record) => {
      if (isGhost(record)) this.#examineWithoutRow(examination, record, 'js_open_kernel_gone');
    });
  }

  /** Connections whose descriptor Node has forgotten to close. */
  #examineUnclosed(examination: Examination): void {
    const { forgotten } = this.#context;
    for (const record of forgotten) {
      if (record.index < 0) forgotten.delete(record);
      else this.#examineWithoutRow(examination, record, 'js_gone_fd_open');
    }
  }

  /** Only where every socket is observed is one that is not a contradiction. Two tables, like all of these. */
  #countUntracked({ untrackedDescriptors }: KernelColumn): number {
    const agreed = Math.min(this.#untrackedBefore, untrackedDescriptors);
    this.#untrackedBefore = this.#context.isProcessObserved() ? untrackedDescriptors : 0;
    return agreed;
  }

  #examineWithoutRow(examination: Examination, record: SocketRecord, cause: Divergence & LeakCause): void {
    const { column, counts, leaks } = examination;
    if (!isUnchanged(record, column)) return;
    const provedMs = record.changedAt / TICKS_PER_MS;
    // By the record itself: what was closed before it was ever looked at has no addresses.
    const sighting = this.#ages.see(record, STATE.CLOSED, column.endedAt, NO_TRAFFIC, provedMs);
    if (sighting.tables < TABLES_THAT_AGREE) return;
    counts.divergent[cause]++;
    const ageMs = Math.max(0, column.startedAt - sighting.sinceMs);
    const { slot } = record;
    leaks.push({
      cause,
      state: STATE.CLOSED,
      slot,
      record,
      ageMs,
      idleMs: ageMs,
      sighting,
      flags: undefined,
      index: -1,
    });
  }

  // ---- asking ---------------------------------------------------------------------------------------------------

  /** The live record that a row was joined with, if it still has that connection. */
  #recordOf(tupleSlot: number, key: number): SocketRecord | undefined {
    if (tupleSlot < 0) return undefined;
    const { ledger } = this.#context;
    return ledger.serialAtTuple(tupleSlot) === key ? ledger.recordAtTuple(tupleSlot) : undefined;
  }

  /** What a socket says of itself; undefined where it cannot be asked: a program may have put a getter of its own there. */
  #asked<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#context.report('observer', error);
      return undefined;
    }
  }
}

/**
 * Since when a row must be in its state by what Node has read: a FIN that was read before the row was first seen. On TLS
 * the end may have been a close_notify alert, and the FIN came later.
 */
function provedMs(record: SocketRecord | undefined, state: State): number | undefined {
  if (record === undefined || (record.flags & FLAG.tls) !== 0 || stateOf(record) !== state) return undefined;
  return state === STATE.CLOSE_WAIT ? record.changedAt / TICKS_PER_MS : undefined;
}

function causeOfState(
  { state, inode, receiveQueue, sendQueue, timer, retransmits }: KernelRow,
  flags: SocketFlags | undefined,
): LeakCause | undefined {
  switch (state) {
    case STATE.FIN_WAIT_2:
      // Without a descriptor the kernel ends it by itself, after tcp_fin_timeout.
      if (inode === 0) return undefined;
      // The peer's FIN may be stuck behind what nobody reads here.
      if (receiveQueue > 0) return 'unread_in_kernel';
      return flags !== undefined && flags.unreadInNode > 0 ? 'unread_in_node' : 'peer_keeps_open';
    case STATE.LAST_ACK:
    case STATE.CLOSING:
      return 'fin_unacknowledged';
    case STATE.SYN_SENT:
      return 'syn_unanswered';
    case STATE.ESTABLISHED:
      return sendQueue > 0 && timer === 'on' && retransmits >= HALF_OPEN_RETRANSMITS ? 'half_open' : undefined;
    default:
      return undefined;
  }
}

/** Whether nothing that Node has seen of a socket is newer than the table: only then can the two be compared. */
function isUnchanged(record: SocketRecord | undefined, { startedAt }: KernelColumn): boolean {
  return record !== undefined && record.changedAt < startedAt * TICKS_PER_MS;
}

function trafficOf(row: KernelRow, record: SocketRecord | undefined, flags: SocketFlags | undefined): Traffic {
  return {
    received: record?.bytesReceived ?? 0,
    sent: record?.bytesSent ?? 0,
    queued: row.receiveQueue + row.sendQueue + (flags?.unreadInNode ?? 0) + (flags?.unsentInNode ?? 0),
  };
}

function isGhost(record: SocketRecord): boolean {
  return (record.flags & FLAG.open) !== 0 && stateOf(record) === STATE.CLOSED;
}

/** By state, its label where it has a threshold. */
const LEAK_LABELS: readonly (LeakState | undefined)[] = Array.from({ length: STATE_SLOTS }, (_, state) =>
  LEAK_STATES.find((label) => label === stateLabel(state as State)),
);

const NO_TRAFFIC: Traffic = { received: 0, sent: 0, queued: 0 };

/** Of a socket that cannot be asked. */
const NO_FLAGS: SocketFlags = {
  isReading: undefined,
  eofRead: false,
  endEmitted: false,
  unreadInNode: 0,
  writableEnded: false,
  writableFinished: false,
  unsentInNode: 0,
};
