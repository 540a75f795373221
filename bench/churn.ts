import type { Build } from './build.ts';
import type { Machine } from './machine.ts';
import type { ChurnResult } from './programs/churn.ts';
import { BURST, KINDS, type Kind } from './programs/kinds.ts';
import { runProgram } from './run-program.ts';
import { median, spreadOf } from './statistics.ts';
import { type Finding, isOff, judge } from './verdict.ts';

const GOALS: {
  readonly [kind in (typeof KINDS)[number]]: { readonly goal: string; readonly what: string; readonly atMost: number };
} = {
  'tcp-server': { goal: 'G1', what: 'raw TCP churn, server', atMost: 1.05 },
  'tcp-client': { goal: 'G2', what: 'raw TCP churn, client', atMost: 1.05 },
  'tcp-process': { goal: 'G2', what: 'raw TCP churn, whole process', atMost: 1.05 },
  'http-process': { goal: 'G2', what: 'HTTP churn, whole process', atMost: 1.05 },
  http: { goal: 'G3', what: 'HTTP churn, empty handler', atMost: 1.06 },
  express: { goal: 'G3', what: 'HTTP churn, Express app', atMost: 1.04 },
  'keep-alive': { goal: 'G4', what: 'HTTP keep-alive, request', atMost: 1.02 },
};

/** CPU time of a process under connection churn, observed against bare: one finding for each kind of work. */
export async function* measureChurn(build: Build, machine: Machine, quick: boolean): AsyncGenerator<Finding> {
  for (const kind of KINDS) {
    const result = await runChurn(build, machine, quick, kind);
    const measured = spreadOf(result.ratio);
    const control = spreadOf(result.control);
    const { goal, what, atMost } = GOALS[kind];
    const bare = median(result.bareUs);
    const added = median(result.observedUs.map((observed, block) => observed - (result.bareUs[block] as number)));
    yield {
      goal,
      what,
      measured,
      unit: 'x',
      atMost,
      verdict: judge(measured, atMost, control),
      control,
      note: `${added.toFixed(1)} us on ${bare.toFixed(1)} us, ${result.ratio.length} blocks of 2 x ${BURST[kind]}`,
    };
  }
}

/** Runs one kind of work; beside a peer if one is given, with the folder of its packages. */
export async function runChurn(
  build: Build,
  machine: Machine,
  quick: boolean,
  kind: Kind,
  peer: readonly string[] = [],
): Promise<ChurnResult> {
  // Warm means that V8 has compiled what runs often, which goes on for 10,000 connections and more.
  const [rounds, blocks, warmUps] = quick ? [1, 6, 10] : [2, 14, 30];
  const args = [kind, String(rounds), String(blocks), String(warmUps), machine.pins ? 'pinned' : 'free', ...peer];
  const run = (): Promise<ChurnResult> =>
    runProgram<ChurnResult>(build.program('churn'), args, { namespace: machine.namespaces });
  const result = await run();
  // A control that is off may have been a neighbour; twice is the machine.
  return !quick && isOff(spreadOf(result.control)) ? run() : result;
}
