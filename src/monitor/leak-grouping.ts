import type { LeakedSocket, LeakGroup } from '../detect/leaks/leak.ts';
import { groupOf } from '../detect/leaks/leak-group.ts';
import { type LeakEntry, LeakGroups } from '../detect/leaks/leak-groups.ts';
import type { ObserveContext } from '../observe/context.ts';
import { culpritOf } from '../observe/culprit.ts';
import { flagsOf } from '../observe/culprit-flags.ts';
import type { NodeSocket } from '../observe/node-socket.ts';
import { pipeTargetOf } from '../observe/pairs.ts';
import { type Slices, visitRecords } from '../observe/slices.ts';
import type { KernelColumn } from '../sockets/join.ts';
import type { SocketRecord } from '../sockets/record.ts';
import { blankRow, type KernelRow } from '../sockets/row.ts';
import type { SocketKind } from '../sockets/socket-kind.ts';
import { endpointsText } from '../sockets/tuple.ts';
import { UNTRACKED_NAME } from '../sockets/untracked-sockets.ts';
import { stateLabel } from '../tcp/state.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { Leak } from './leak-finder.ts';

/** More than these are not told of, to whoever asks or is called. */
const MOST_GROUPS = 100;

/** The leaked sockets of one table by culprit and cause. */
export interface LeakGrouping {
  /** The largest first. */
  readonly groups: readonly LeakGroup[];
  /** How many smaller ones are left out. */
  readonly groupsOmitted: number;
}

/** Whose a leaked socket is: asked for once, and holding nothing of the program. */
export interface KnownCulprit {
  readonly kind: SocketKind;
  readonly request: string | undefined;
  readonly site: string | undefined;
  readonly flags: readonly string[];
  /** The name of the socket that it is piped into or from, and that with its addresses. */
  readonly pairedName: string | undefined;
  readonly pairedWith: string | undefined;
}

interface Entry extends LeakEntry {
  readonly leak: Leak;
}

/** Finds out whose the leaked sockets of a table are, and puts them together. */
export async function groupLeaks(
  context: ObserveContext,
  column: KernelColumn,
  leaks: readonly Leak[],
  slices: Slices,
): Promise<LeakGrouping> {
  if (leaks.some(({ sighting }) => sighting.note === undefined)) await findCulprits(context, leaks, slices);
  const groups = new LeakGroups<Entry>();
  const row = blankRow();
  for (const leak of leaks) {
    groups.add(entryOf(context, column, leak, row));
    if (slices.isOver()) await slices.next();
  }
  const all = groups.finish();
  return {
    groups: all.slice(0, MOST_GROUPS).map(({ id, facts, samples }) =>
      deepFreeze(
        groupOf(
          id,
          facts,
          samples.map((entry) => describe(context, column, entry, row)),
        ),
      ),
    ),
    groupsOmitted: Math.max(0, all.length - MOST_GROUPS),
  };
}

/** Asks each socket once, when it has leaked: what it last served does not change any more. */
async function findCulprits(context: ObserveContext, leaks: readonly Leak[], slices: Slices): Promise<void> {
  const sources = new Map<object, SocketRecord>();
  await visitRecords(context.ledger, slices, (record) => {
    const { socket } = record;
    const target = socket === undefined ? undefined : pipeTargetOf(socket);
    if (target !== undefined) sources.set(target, record);
  });
  for (const { record, slot, sighting } of leaks) {
    sighting.note ??= knownCulpritOf(context, record, slot, sources);
    if (slices.isOver()) await slices.next();
  }
}

function knownCulpritOf(
  context: ObserveContext,
  record: SocketRecord | undefined,
  slot: number,
  sources: ReadonlyMap<object, SocketRecord>,
): KnownCulprit {
  const socket = record?.socket;
  if (record === undefined || socket === undefined) return slot < 0 ? UNTRACKED : CLOSED;
  const { pair, ...culprit } = culpritOf(context, record, socket, sources);
  const paired = pair === undefined ? undefined : context.recordOf(pair);
  return { ...culprit, ...nameOfPair(context, paired) };
}

function nameOfPair(
  { ledger }: ObserveContext,
  paired: SocketRecord | undefined,
): Pick<KnownCulprit, 'pairedName' | 'pairedWith'> {
  const name = paired === undefined ? undefined : ledger.names.at(paired.slot)?.name;
  if (paired === undefined || name === undefined) return { pairedName: undefined, pairedWith: undefined };
  if (paired.tupleSlot < 0) return { pairedName: name, pairedWith: name };
  const { local, peer } = ledger.tuples.endpointsAt(paired.tupleSlot);
  return { pairedName: name, pairedWith: `${name} (${local} - ${peer})` };
}

function culpritWithoutSocket(kind: SocketKind): KnownCulprit {
  return { kind, request: undefined, site: undefined, flags: [], pairedName: undefined, pairedWith: undefined };
}

/** Ours by its descriptor, and nothing else is known. */
const UNTRACKED = culpritWithoutSocket('unknown');
/** The program has closed it, and the kernel still has it. */
const CLOSED = culpritWithoutSocket('closed');

function entryOf({ ledger }: ObserveContext, column: KernelColumn, leak: Leak, row: KernelRow): Entry {
  const { cause, state, slot, ageMs, index, flags, sighting } = leak;
  const name = ledger.names.at(slot);
  const culprit = sighting.note as KnownCulprit;
  if (index >= 0) column.suspects.read(index, row);
  return {
    leak,
    cause,
    state: stateLabel(state),
    side: name?.side ?? 'unknown',
    name: name?.name ?? UNTRACKED_NAME,
    kind: culprit.kind,
    request: culprit.request,
    site: culprit.site,
    pairedWith: culprit.pairedName,
    ageMs,
    receiveQueue: index >= 0 ? row.receiveQueue : 0,
    sendQueue: index >= 0 ? row.sendQueue : 0,
    unreadInNode: flags?.unreadInNode ?? 0,
    unsentInNode: flags?.unsentInNode ?? 0,
    isPaused: culprit.flags.includes('paused'),
  };
}

/** One leaked socket, with what a person would look up by hand. Its culprit must have been found. */
export function describeLeak(
  context: ObserveContext,
  column: KernelColumn,
  leak: Leak,
): LeakedSocket & Pick<LeakEntry, 'cause' | 'side' | 'name' | 'kind'> {
  const row = blankRow();
  const entry = entryOf(context, column, leak, row);
  const { cause, side, name, kind } = entry;
  return { ...describe(context, column, entry, row), cause, side, name, kind };
}

function describe({ ledger }: ObserveContext, column: KernelColumn, entry: Entry, row: KernelRow): LeakedSocket {
  const { leak } = entry;
  const { record, index, sighting } = leak;
  const culprit = sighting.note as KnownCulprit;
  const socket = record?.socket as NodeSocket | undefined;
  if (index >= 0) column.suspects.read(index, row);
  const isKnown = record !== undefined && record.tupleSlot >= 0;
  const { local, peer } =
    index >= 0 ? endpointsText(row.tuple) : isKnown ? ledger.tuples.endpointsAt(record.tupleSlot) : NO_ENDPOINTS;
  return {
    local,
    peer,
    state: entry.state,
    ageMs: Math.round(leak.ageMs),
    idleMs: Math.round(leak.idleMs),
    bytesReceived: record?.bytesReceived ?? 0,
    bytesSent: record?.bytesSent ?? 0,
    receiveQueue: entry.receiveQueue,
    sendQueue: entry.sendQueue,
    unreadInNode: entry.unreadInNode,
    unsentInNode: entry.unsentInNode,
    inode: index >= 0 && row.inode !== 0 ? row.inode : undefined,
    // As they are now, like the numbers beside them.
    flags: socket === undefined ? culprit.flags : flagsOf(socket),
    request: culprit.request,
    site: culprit.site,
    pairedWith: culprit.pairedWith,
  };
}

const NO_ENDPOINTS = { local: undefined, peer: undefined } as const;
