import { expect } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import type { End, Scenario, Sight, Stage } from '../scenarios/scenario.ts';
import { compare, expectNothingLeft, type Sides, sidesOf, sidesText, statesOf, type Tally } from './scenario-check.ts';
import { isLive } from './scenario-column.ts';
import { numberedEnd, operate } from './scenario-operations.ts';
import { closeWorld, createWorld, learnPorts, open, type World } from './scenario-world.ts';
import { readTable, tableText } from './ss-table.ts';
import { until } from './wait.ts';

/** How often a sample is repeated because the table moved while it was taken. */
const MOST_SAMPLES = 10;

/**
 * Runs a scenario on real sockets. At every rest point finwait takes a sample between two tables of our own that
 * agree, and everything it says is held against them.
 *
 * @param tally where the comparisons are counted
 * @param atEnd looks at the world once the last stage is over, before anything is closed
 */
export async function runScenario(
  scenario: Scenario,
  tally: Tally,
  atEnd: (world: World) => void | Promise<void> = () => undefined,
): Promise<void> {
  const world = await createWorld(scenario);
  try {
    await open(world, () => {
      for (const operation of scenario.server?.onConnection ?? []) void operate(world, operation);
    });
    for (const stage of scenario.stages) await runStage(world, stage, tally);
    await atEnd(world);
    for (const socket of [...world.clients, ...world.servers]) socket.destroy();
    if (scenario.neverCloses !== true) await allClosed(world);
    expectNothingLeft(world);
  } finally {
    await closeWorld(world);
  }
}

async function runStage(world: World, stage: Stage, tally: Tally): Promise<void> {
  const from = world.seen.length;
  // One after the other in one tick, unless an operation has to wait by its nature.
  for (const operation of stage.do) {
    const done = operate(world, operation);
    if (done !== undefined) await done;
  }
  const sights = stage.sees ?? [];
  await until(
    () => sights.every((sight) => world.seen.includes(numberedSight(world, sight), from)),
    () => `${stageText(stage)}: ${sights.join(', ')}; seen: ${world.seen.slice(from).join(', ')}`,
  );
  if (stage.kernel === undefined) return;
  const sides = await rest(world, stage);
  expect(compare(world, stage, sides, tally), `${stageText(stage)}\n${sidesText(sides)}`).toEqual([]);
}

/** Waits until the table shows what it is meant to, twice alike, then samples between two tables that agree. */
async function rest(world: World, stage: Stage): Promise<Sides> {
  const expected = expectedText(world, stage);
  let shown = '';
  for (let tries = 0; tries < MOST_SAMPLES; tries++) {
    let before = '';
    await until(
      async () => {
        learnPorts(world);
        const rows = await readTable([...world.ports]);
        shown = tableText(rows);
        const stable = shown === before && statesText(sidesOf(world, rows)) === expected;
        before = shown;
        return stable;
      },
      () => `${stageText(stage)}: the table shows ${expected}; it shows\n${shown}\nseen: ${world.seen.join(', ')}`,
    );
    const result = await world.monitor.sample();
    expect(result).toMatchObject({ ok: true });
    const rows = await readTable([...world.ports]);
    if (tableText(rows) === before) return sidesOf(world, rows);
  }
  throw new Error(`${stageText(stage)}: the table never came to rest; it shows\n${shown}`);
}

/** Every socket that was destroyed says so before the books are looked at for the last time. */
async function allClosed(world: World): Promise<void> {
  await until(
    () => !world.column.entries.some((entry) => isLive(entry)),
    () => `no record is left of ${internalsOf(world.monitor).ledger.records.length}`,
  );
}

function expectedText(world: World, stage: Stage): string {
  const { over, server = {}, client = {} } = world.scenario;
  const silent = over === 'unix' || (server.port ?? 'accepts') !== 'accepts' || client.host === 'itself';
  const listeners = stage.kernel?.listeners ?? (silent ? 0 : 1);
  return textOf(statesOf(stage.kernel?.client), statesOf(stage.kernel?.server), listeners);
}

function statesText(sides: Sides): string {
  const states = (rows: Sides['client']): string[] => rows.map((row) => row.state).sort();
  return textOf(states(sides.client), states(sides.server), sides.listeners.length);
}

function textOf(client: readonly string[], server: readonly string[], listeners: number): string {
  return `client [${client.join(', ')}], server [${server.join(', ')}], ${listeners} listening`;
}

function numberedSight(world: World, sight: Sight): string {
  if (sight.startsWith('listener')) return sight;
  const [, end = '', event = ''] = /^((?:client|server)(?: \d)?) (.+)$/.exec(sight) ?? [];
  return `${numberedEnd(world, end as End)} ${event}`;
}

function stageText(stage: Stage): string {
  return stage.do.length === 0 ? 'nothing is done' : stage.do.join(', ');
}
