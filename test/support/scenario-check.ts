import { expect } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { stateOf } from '../../src/sockets/record.ts';
import type { Reading } from '../../src/tcp/reading.ts';
import type { StateCounts } from '../../src/tcp/state.ts';
import { STATE, STATE_SLOTS, STATES, type StateName, stateLabel, stateName } from '../../src/tcp/state.ts';
import type { Stage, States } from '../scenarios/scenario.ts';
import { type ColumnEntry, isLive, readingOfEntry } from './scenario-column.ts';
import type { KnownSocket, World } from './scenario-world.ts';
import { type SsRow, tableText } from './ss-table.ts';

/** What all rest points came to. */
export interface Tally {
  restPoints: number;
  exact: number;
  amongAlternatives: number;
  wrong: number;
  kernelRows: number;
  kernelWrong: number;
  observed: number;
  contradicted: number;
}

/** A tally with nothing in it. */
export function emptyTally(): Tally {
  return {
    restPoints: 0,
    exact: 0,
    amongAlternatives: 0,
    wrong: 0,
    kernelRows: 0,
    kernelWrong: 0,
    observed: 0,
    contradicted: 0,
  };
}

/** The tally as one line. */
export function tallyText(tally: Tally): string {
  return (
    `node ${process.version}: ${tally.restPoints} rest points, ${tally.exact} exact, ` +
    `${tally.amongAlternatives} among alternatives, ${tally.wrong} wrong; ` +
    `kernel's column: ${tally.kernelRows} rows, ${tally.kernelWrong} wrong; ` +
    `observed: ${tally.observed}, ${tally.contradicted} contradicted`
  );
}

/** The rows of a scenario, told apart by the side they are on. */
export interface Sides {
  readonly client: readonly SsRow[];
  readonly server: readonly SsRow[];
  readonly listeners: readonly SsRow[];
}

/** Sorts the rows of a table; rows of listeners that are not the scenario's are left out, with all behind them. */
export function sidesOf(world: World, rows: readonly SsRow[]): Sides {
  const client: SsRow[] = [];
  const server: SsRow[] = [];
  const listeners: SsRow[] = [];
  for (const row of rows) {
    if (world.holes.has(`${row.local}:${row.localPort}`)) continue;
    const known = world.known.some((one) => one.side === 'client' && one.localPort === row.localPort);
    if (row.state === 'LISTEN') listeners.push(row);
    else if (world.ports.has(row.peerPort) && known) client.push(row);
    else if (world.holes.has(`${row.peer}:${row.peerPort}`)) continue;
    else if (world.ports.has(row.localPort)) server.push(row);
    else client.push(row);
  }
  return { client, server, listeners };
}

/** The states of a list without CLOSED, which has no row, sorted. */
export function statesOf(states: States | undefined): StateName[] {
  const list = states === undefined ? [] : typeof states === 'string' ? [states] : [...states];
  return list.filter((state) => state !== 'CLOSED').sort();
}

/** Compares everything finwait says with the rows at a rest point; returns what is wrong, one sentence each. */
export function compare(world: World, stage: Stage, sides: Sides, tally: Tally): string[] {
  tally.restPoints++;
  return [
    ...compareKernelColumn(world, stage, sides, tally),
    ...compareLiveSockets(world, sides),
    ...compareNodeColumn(world, stage, sides, tally),
  ];
}

/** (a) the kernel's column, name by name: what the table shows, less what is documented as unknowable. */
function compareKernelColumn(world: World, stage: Stage, sides: Sides, tally: Tally): string[] {
  const wrong: string[] = [];
  const { ledger, collector } = internalsOf(world.monitor);
  const snapshot = world.monitor.snapshot();
  for (const side of ['server', 'client'] as const) {
    const rows = [...sides[side], ...(side === 'server' ? sides.listeners : [])].map((row) => row.state);
    const unattributed = statesOf(stage.unattributed?.[side]);
    const own = without(rows, [...unattributed, ...statesOf(stage.foreign?.[side])]);
    const entry = snapshot.names.find((name) => name.side === side && name.name === 'scenario');
    const slot = ledger.names.entries().find((name) => name.side === side && name.name === 'scenario')?.slot;
    tally.kernelRows += own.length;
    for (const state of STATES) {
      const name = stateName(state);
      const says = entry?.kernel?.[stateLabel(state)] ?? 0;
      const shows = count(own, name);
      if (says !== shows) wrong.push(`kernel's column says ${says} ${side} sockets in ${name}, ss shows ${shows}`);
      const place = slot === undefined ? 0 : (collector.column?.unattributedStates[slot * STATE_SLOTS + state] ?? 0);
      const placed = count(unattributed, name);
      if (place !== placed) wrong.push(`${place} ${side} rows in ${name} are unattributed instead of ${placed}`);
    }
  }
  tally.kernelWrong += wrong.length;
  return wrong;
}

function compareLiveSockets(world: World, sides: Sides): string[] {
  const wrong: string[] = [];
  for (const socket of world.monitor.snapshot().sockets) {
    if (socket.name !== 'scenario' || socket.local === undefined || socket.peer === undefined) continue;
    const row = sides[socket.side].find(
      (one) => one.localPort === portOf(socket.local) && one.peerPort === portOf(socket.peer),
    );
    const shows = row?.state.toLowerCase();
    if (socket.kernel !== shows) {
      wrong.push(
        `snapshot says the ${socket.side} ${socket.local} is ${socket.kernel} in the kernel, ss shows ${shows}`,
      );
    }
  }
  return wrong;
}

/** (b) and (c): Node's column of every kernel socket the scenario had, alive or closed. */
function compareNodeColumn(world: World, stage: Stage, sides: Sides, tally: Tally): string[] {
  const wrong: string[] = [];
  const claimed = new Set<ColumnEntry>();
  for (const known of world.known) {
    const entry = entryOf(world, known);
    if (entry === undefined) continue;
    claimed.add(entry);
    if (entry.released) continue;
    const truth = truthOf(known, sides);
    const reading = readingOfEntry(entry);
    if (reading.certainty === 'observed') {
      tally.observed++;
      if (reading.state !== truth.toLowerCase()) {
        tally.contradicted++;
        wrong.push(`Node's column observed ${reading.state}, ss shows ${truth}`);
      }
    }
    if (reading.state === truth.toLowerCase()) tally.exact++;
    else if (reading.alternatives.includes(truth.toLowerCase() as keyof StateCounts)) tally.amongAlternatives++;
    else {
      tally.wrong++;
      wrong.push(`Node's column says the ${known.side} is ${readingText(reading)}, ss shows ${truth}`);
    }
    wrong.push(...comparePin(world, stage, known, reading));
  }
  for (const entry of world.column.entries) {
    if (!claimed.has(entry) && !entry.released) wrong.push('finwait has a record of a socket that no program made');
  }
  return [...wrong, ...compareListeners(world, sides, tally)];
}

function compareListeners(world: World, sides: Sides, tally: Tally): string[] {
  const { ledger } = internalsOf(world.monitor);
  const says = [...ledger.listeners].filter((listener) => stateOf(listener) === STATE.LISTEN).length;
  const shows = world.scenario.server?.observed === false && says === 0 ? 0 : sides.listeners.length;
  tally.observed += says;
  if (says === shows) {
    tally.exact += says;
    return [];
  }
  tally.wrong++;
  if (says > shows) tally.contradicted++;
  return [`Node's column has ${says} listeners, ss shows ${shows}`];
}

/** What a scenario asks of Node's column beyond being among the alternatives: of the latest socket of a side. */
function comparePin(world: World, stage: Stage, known: KnownSocket, reading: Reading): string[] {
  const latest = world.known.findLast((one) => one.side === known.side);
  if (latest !== known) return [];
  const wrong: string[] = [];
  const pinned = stage.node?.[known.side];
  if (pinned !== undefined && reading.state !== pinned.toLowerCase()) {
    wrong.push(`Node's column says the ${known.side} is ${readingText(reading)}; it can know that it is ${pinned}`);
  }
  if (stage.observed?.includes(known.side) && reading.certainty !== 'observed') {
    wrong.push(`Node's column only infers that the ${known.side} is ${readingText(reading)}`);
  }
  return wrong;
}

function entryOf(world: World, known: KnownSocket): ColumnEntry | undefined {
  return world.column.entries.find(
    (entry) => entry.generation === known.attempt && [...entry.objects].some((object) => known.objects.has(object)),
  );
}

function truthOf(known: KnownSocket, sides: Sides): StateName {
  const row = sides[known.side].find((one) => one.localPort === known.localPort && one.peerPort === known.peerPort);
  return row?.state ?? 'CLOSED';
}

/** What is known at the very end: nothing is left on the books, and nothing went wrong inside. */
export function expectNothingLeft(world: World): void {
  const { ledger, internalErrors } = internalsOf(world.monitor);
  expect(world.warnings.map(String)).toEqual([]);
  expect([...internalErrors]).toEqual([]);
  if (world.scenario.emitsByHand !== true) expect([...ledger.illegal.values()]).toEqual([]);
  for (const entry of world.monitor.snapshot().names) {
    expect(entry.opened + entry.adopted).toBe(entry.closed + entry.released + entry.open);
  }
  if (world.scenario.neverCloses !== true) expect(world.column.entries.filter(isLive)).toEqual([]);
}

/** Both sides' rows as text, for a message. */
export function sidesText(sides: Sides): string {
  return tableText([...sides.listeners, ...sides.client, ...sides.server]);
}

function readingText(reading: Reading): string {
  const alternatives = reading.alternatives.length === 0 ? '' : `, or ${reading.alternatives.join(', ')}`;
  return `${reading.state} (${reading.certainty})${alternatives}`;
}

function without(list: readonly StateName[], taken: readonly StateName[]): StateName[] {
  const left = [...list];
  for (const state of taken) {
    const at = left.indexOf(state);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

function count(list: readonly StateName[], state: StateName): number {
  return list.filter((one) => one === state).length;
}

function portOf(endpoint: string | undefined): number {
  return Number(endpoint?.slice(endpoint.lastIndexOf(':') + 1));
}
