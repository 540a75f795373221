import type { Build } from './build.ts';
import type { Machine } from './machine.ts';
import type { LifecycleResult } from './programs/lifecycle.ts';
import { runProgram } from './run-program.ts';
import { median, spreadOf } from './statistics.ts';
import { type Finding, judge } from './verdict.ts';

/** What finwait adds to a connection's life without a kernel in it, in nanoseconds. */
export async function* measureMicro(build: Build, machine: Machine, quick: boolean): AsyncGenerator<Finding> {
  for (const role of ['server', 'client']) {
    const bare: LifecycleResult[] = [];
    const observed: LifecycleResult[] = [];
    for (let pair = 0; pair < (quick ? 3 : 5); pair++) {
      bare.push(await run(build, machine, role, 'bare'));
      observed.push(await run(build, machine, role, 'observed'));
    }
    yield finding(`one life, ${role}`, 700, bare.map(lifecycleOf), observed.map(lifecycleOf));
    yield finding(`one more event, ${role}`, 8, bare.map(eventOf), observed.map(eventOf));
  }
}

function run(build: Build, machine: Machine, role: string, variant: string): Promise<LifecycleResult> {
  const core = machine.pins ? 0 : undefined;
  return runProgram<LifecycleResult>(build.program('lifecycle'), [role, variant], { core });
}

function lifecycleOf(result: LifecycleResult): number {
  return result.lifecycleNs;
}

function eventOf(result: LifecycleResult): number {
  return result.eventNs;
}

function finding(what: string, atMost: number, bare: readonly number[], observed: readonly number[]): Finding {
  // Every observed process against every bare one: they were not run in pairs on one state of the machine.
  const measured = spreadOf(observed.flatMap((one) => bare.map((other) => one - other)));
  const note = `on ${median(bare).toFixed(1)} ns, ${bare.length} fresh processes each, lower quartile`;
  return { goal: 'G5', what, measured, unit: 'ns', atMost, verdict: judge(measured, atMost), note };
}
