import type { Build } from './build.ts';
import type { IdleResult } from './programs/idle-server.ts';
import { runProgram } from './run-program.ts';
import { median, spreadOf } from './statistics.ts';
import { type Finding, judge } from './verdict.ts';

const CONNECTIONS = 10_000;
const GOALS = [
  { kind: 'raw', atMost: 260 },
  { kind: 'http', atMost: 300 },
] as const;

/** Bytes of heap that finwait adds to an open, idle connection whose addresses it knows. */
export async function* measureMemory(build: Build, quick: boolean): AsyncGenerator<Finding> {
  for (const { kind, atMost } of GOALS) {
    const bare: IdleResult[] = [];
    const observed: IdleResult[] = [];
    for (let pair = 0; pair < (quick ? 1 : 3); pair++) {
      bare.push(await run(build, kind, 'bare'));
      observed.push(await run(build, kind, 'observed'));
    }
    const measured = spreadOf(observed.flatMap((one) => bare.map((other) => one.heap - other.heap)));
    const added = (of: (result: IdleResult) => number): string =>
      (median(observed.map(of)) - median(bare.map(of))).toFixed(0);
    yield {
      goal: 'G8',
      what: `heap of an idle socket, ${kind}`,
      measured,
      unit: 'B',
      atMost,
      verdict: judge(measured, atMost),
      note:
        `on ${median(bare.map(({ heap }) => heap)).toFixed(0)} B, ${CONNECTIONS} connections; ` +
        `typed arrays ${added(({ arrayBuffers }) => arrayBuffers)} B, resident ${added(({ rss }) => rss)} B`,
    };
  }
}

function run(build: Build, kind: string, variant: string): Promise<IdleResult> {
  const args = [kind, variant, String(CONNECTIONS)];
  return runProgram<IdleResult>(build.program('idle-server'), args, { nodeFlags: ['--expose-gc'] });
}
