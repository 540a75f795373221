// What a sample of the kernel's table costs, side by side with a bare ss and with other tools that read the table.
//
//   npm run bench:sampling                          1,000 to 100,000 rows, about 3 minutes
//   npm run bench:sampling -- --quick               two tables, few rounds, in under a minute
//   npm run bench:sampling -- --rows 10000,50000    tables of these sizes
//
// Everything happens in network namespaces of its own. The other tools are fetched into a temporary folder.
import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { lookAtMachine } from './machine.ts';
import { type Found, openPeers } from './peers.ts';
import type { SamplingOrder, SamplingResult } from './programs/sampling.ts';
import { printEnd, printFinding, printHead } from './report.ts';
import { runProgram } from './run-program.ts';
import { findingsOf } from './sampling-findings.ts';
import type { Finding } from './verdict.ts';

const ROWS = [1_000, 10_000, 50_000, 100_000];
const QUICK_ROWS = [1_000, 20_000];
const MIN_ROWS = 100;
const MAX_DUTY_ROWS = 2_000;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rows: { type: 'string' } },
});
const { quick } = values;
const sizes = values.rows === undefined ? (quick ? QUICK_ROWS : ROWS) : values.rows.split(',').map(Number);
if (!sizes.every((rows) => Number.isInteger(rows) && rows >= MIN_ROWS)) {
  console.error(`--rows takes whole numbers from ${MIN_ROWS} on with commas in between; received '${values.rows}'`);
  process.exit(2);
}
const machine = lookAtMachine();
if (!machine.namespaces) {
  console.error('The table is filled in a network namespace, which cannot be made here: unshare and ip are needed.');
  process.exit(2);
}

printHead(machine);
const findings: Finding[] = [];
const peers = openPeers();
const built = build();
try {
  const order: Omit<SamplingOrder, 'rows'> = {
    rounds: quick ? 5 : 14,
    dutyStretches: 0,
    netstat: pathOf('netstat -ant', peers.program('netstat', 'net-tools')),
    nodeExporter: pathOf('node_exporter', peers.program('prometheus-node-exporter', 'prometheus-node-exporter')),
    packages: pathOf('systeminformation', peers.packages('tables', ['systeminformation@5.33.23'])),
  };
  for (const rows of sizes) {
    // Sampling slows itself down by what it costs: where that is much, hours would be needed to see it.
    const dutyStretches = rows > MAX_DUTY_ROWS ? 0 : quick ? 2 : 5;
    const args = [JSON.stringify({ ...order, rows, dutyStretches })];
    let result: SamplingResult;
    try {
      result = await runProgram<SamplingResult>(built.program('sampling'), args, { namespace: true });
    } catch {
      // A table that was not what it should be, or a machine too slow for it: the other sizes tell something still.
      console.log(`-- ${rows} rows: NOT MEASURED, for the reason that was just written`);
      process.exitCode = 1;
      continue;
    }
    console.log(
      `-- ${rows} rows, ${result.ownRows} of them of the sampling process at one port; ` +
        `${result.processes} processes filled the table in ${result.fillSeconds.toFixed(1)} s`,
    );
    for (const finding of findingsOf(result)) {
      findings.push(finding);
      printFinding(finding);
    }
  }
} finally {
  built.remove();
  peers.remove();
}
printEnd(machine, quick, findings);

function pathOf(what: string, found: Found): string {
  if ('path' in found) return found.path;
  console.log(`${what} is not compared with: ${found.missing}`);
  return '';
}
