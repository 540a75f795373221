// What finwait costs, side by side with the same program without it.
//
//   npm run bench                    everything, about 6 minutes on a machine that does nothing else
//   npm run bench -- --quick         everything, coarsely, in a minute and a half
//   npm run bench -- --only memory   one part: micro, memory, start, scrape, churn or peers
import { parseArgs } from 'node:util';
import { measureBesidePeers } from './beside-peers.ts';
import { type Build, build } from './build.ts';
import { measureChurn } from './churn.ts';
import { lookAtMachine, type Machine } from './machine.ts';
import { measureMemory } from './memory.ts';
import { measureMicro } from './micro.ts';
import { printEnd, printFinding, printHead } from './report.ts';
import { measureScrape } from './scrape.ts';
import { measureStart } from './start.ts';
import type { Finding } from './verdict.ts';

const PARTS: {
  readonly [part: string]: (build: Build, machine: Machine, quick: boolean) => AsyncGenerator<Finding>;
} = {
  micro: measureMicro,
  memory: (build, _, quick) => measureMemory(build, quick),
  start: (_build, _machine, quick) => measureStart(quick),
  scrape: measureScrape,
  churn: measureChurn,
  peers: measureBesidePeers,
};

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const parts = values.only === undefined ? Object.keys(PARTS) : [values.only];
if (values.only !== undefined && PARTS[values.only] === undefined) {
  console.error(`--only takes ${Object.keys(PARTS).join(', ')}; received '${values.only}'`);
  process.exit(2);
}

const machine = lookAtMachine();
printHead(machine);
const findings: Finding[] = [];
const built = build();
try {
  for (const part of parts) {
    for await (const finding of PARTS[part]?.(built, machine, values.quick) ?? []) {
      findings.push(finding);
      printFinding(finding);
    }
  }
} finally {
  built.remove();
}
printEnd(machine, values.quick, findings);
