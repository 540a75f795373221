import type { Ledger, ListenerRecord } from '../../src/sockets/ledger.ts';
import type { SocketRecord } from '../../src/sockets/record.ts';
import { FLAG, stateOf } from '../../src/sockets/record.ts';
import { EVENT_NAMES, type EventName } from '../../src/tcp/event.ts';
import { type Reading, readingOf } from '../../src/tcp/reading.ts';
import { type StateName, stateName } from '../../src/tcp/state.ts';
import { type Certainty, TRANSITIONS } from '../../src/tcp/transition.ts';

/** One kernel socket in Node's column, after its end too. */
export interface ColumnEntry {
  readonly record: SocketRecord;
  readonly generation: number;
  /** The socket objects that carried it: a TLSSocket takes over from the socket below. */
  readonly objects: Set<object>;
  /** Index of the last transition. */
  transition: number;
  tls: boolean;
  /** finwait stopped looking: its column says nothing of what comes. */
  released: boolean;
}

/** One step of Node's column, as it was made. */
export interface Move {
  /** process.hrtime, which is the kernel's monotonic clock. */
  readonly at: bigint;
  readonly entry: ColumnEntry | undefined;
  readonly event: EventName;
  readonly from: StateName;
  readonly to: StateName;
  readonly certainty: Certainty;
}

/** Everything that Node's column said of a monitor's sockets. */
export interface ColumnLog {
  readonly entries: readonly ColumnEntry[];
  readonly moves: readonly Move[];
}

/** Writes down every step of Node's column from now on: the ledger's own record forgets what is closed. */
export function logColumn(ledger: Ledger): ColumnLog {
  const entries: ColumnEntry[] = [];
  const moves: Move[] = [];

  function entryOf(record: SocketRecord): ColumnEntry {
    let entry = entries.find((known) => known.record === record && known.generation === record.generation);
    if (entry === undefined) {
      const { generation } = record;
      entry = { record, generation, objects: new Set(), transition: -1, tls: false, released: false };
      entries.push(entry);
    }
    const socket = record.socket;
    if (socket !== undefined) entry.objects.add(socket);
    return entry;
  }

  const apply = ledger.apply.bind(ledger);
  ledger.apply = (record, event, at) => {
    const from = stateOf(record);
    const legal = apply(record, event, at);
    const entry = isSocketRecord(record) ? entryOf(record) : undefined;
    if (entry !== undefined) {
      entry.transition = record.transition;
      entry.tls = (record.flags & FLAG.tls) !== 0;
    }
    const row = legal ? TRANSITIONS.find((cell) => cell.from === from && cell.on === EVENT_NAMES[event]) : undefined;
    moves.push({
      at: process.hrtime.bigint(),
      entry,
      event: EVENT_NAMES[event] as EventName,
      from: stateName(from),
      to: stateName(stateOf(record)),
      certainty: row?.certainty ?? 'inferred',
    });
    return legal;
  };
  const release = ledger.release.bind(ledger);
  ledger.release = (record, at) => {
    entryOf(record).released = true;
    release(record, at);
  };
  return { entries, moves };
}

/** What Node's column says of an entry now. */
export function readingOfEntry(entry: ColumnEntry): Reading {
  return readingOf(entry.transition, entry.tls);
}

/** Whether the entry is still on the books. */
export function isLive(entry: ColumnEntry): boolean {
  return entry.record.index >= 0 && entry.record.generation === entry.generation;
}

function isSocketRecord(record: SocketRecord | ListenerRecord): record is SocketRecord {
  return 'generation' in record;
}
