import { afterAll, describe, expect, it } from 'vitest';
import { SCENARIOS } from '../scenarios/index.ts';
import { emptyTally, tallyText } from '../support/scenario-check.ts';
import { runScenario } from '../support/scenario-run.ts';
import { ssProblem } from '../support/ss-table.ts';

const problem = process.platform === 'linux' ? await ssProblem() : 'the socket table of Linux is needed';
const tally = emptyTally();

if (problem !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] === '1') throw new Error(problem);
if (problem !== undefined) console.log(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)(
  `finwait beside ss${problem === undefined ? '' : ` (skipped: ${problem})`}`,
  () => {
    describe.each(SCENARIOS)('%s', (_subject, scenarios) => {
      for (const scenario of scenarios) it(scenario.title, () => runScenario(scenario, tally));
    });

    it('nothing was wrong, and nothing that was observed was contradicted', () => {
      expect(tally).toMatchObject({ wrong: 0, kernelWrong: 0, contradicted: 0 });
    });

    afterAll(() => console.log(tallyText(tally)));
  },
);
