import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOSE_SCENARIOS } from '../scenarios/close.ts';
import { CONNECT_SCENARIOS } from '../scenarios/connect.ts';
import { RESET_SCENARIOS } from '../scenarios/reset.ts';
import { emptyTally } from '../support/scenario-check.ts';
import type { Move } from '../support/scenario-column.ts';
import { runScenario } from '../support/scenario-run.ts';
import { type KernelMove, type KernelTrace, traceKernel, traceProblem } from '../support/scenario-trace.ts';
import type { World } from '../support/scenario-world.ts';
import { ssProblem } from '../support/ss-table.ts';

const problem = process.platform === 'linux' ? (traceProblem() ?? (await ssProblem())) : 'Linux is needed';
if (problem !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] === '1') throw new Error(problem);
if (problem !== undefined) console.log(`skipped: ${problem}`);

const SCENARIOS = [...CONNECT_SCENARIOS.slice(0, 2), ...CLOSE_SCENARIOS.slice(0, 8), ...RESET_SCENARIOS];

describe.skipIf(problem !== undefined)(
  `what is observed${problem === undefined ? '' : ` (skipped: ${problem})`}`,
  () => {
    let trace: KernelTrace;
    let proved = 0;

    beforeAll(() => {
      trace = traceKernel();
    });

    for (const scenario of SCENARIOS) {
      it(`was made by the kernel before: ${scenario.title}`, async () => {
        trace.take();
        await runScenario(scenario, emptyTally(), (world) => {
          const kernel = trace.take();
          for (const move of world.column.moves) {
            if (move.certainty !== 'observed') continue;
            proved++;
            expect(isProvedBy(world, kernel, move), unproved(move, kernel)).toBe(true);
          }
        });
      });
    }

    it('is more than one step a scenario', () => {
      expect(proved).toBeGreaterThan(SCENARIOS.length);
    });

    afterAll(() => {
      trace.close();
      console.log(`node ${process.version}: ${proved} observed steps, each of which the kernel had made`);
    });
  },
);

function isProvedBy(world: World, kernel: readonly KernelMove[], move: Move): boolean {
  const { entry } = move;
  const candidates = kernel.filter((step) => step.to === move.to && step.at <= move.at);
  if (entry === undefined) return candidates.some((step) => world.portsTried.has(step.localPort));
  const known = world.known.find(
    (one) => one.attempt === entry.generation && [...entry.objects].some((object) => one.objects.has(object)),
  );
  // An attempt that failed never said which port it had, nor did a peer that was gone when it was accepted.
  const agree = (port: number | undefined, traced: number): boolean => port === 0 || port === traced;
  return candidates.some((step) => agree(known?.localPort, step.localPort) && agree(known?.peerPort, step.peerPort));
}

function unproved(move: Move, kernel: readonly KernelMove[]): string {
  const steps = kernel.map((step) => `${step.at} ${step.localPort} ${step.peerPort} ${step.to}`);
  return `${move.at} ${move.event}: ${move.from} -> ${move.to} was observed; the kernel made\n${steps.join('\n')}`;
}
