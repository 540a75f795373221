// A load test on a host with 50,000 sockets of others: what is found is right, and looking stays within its budget.
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { diagnoseScene, linkPackages, toolsOf } from '../support/diagnose-scene.ts';
import { testWith } from '../support/tools.ts';
import { SCENES } from './scenes.ts';

const CLIENTS = process.env['FINWAIT_CLIENTS'] ?? '';
/** Two rows each. No process may have more descriptors than 20,000 on many machines. */
const NEIGHBOURS = [8_400, 8_400, 8_400];
const ROWS = 50_000;

let library: BuiltLibrary;
beforeAll(() => {
  library = buildLibrary();
  linkPackages(library.folder);
});
afterAll(() => library.remove());

const leaks = SCENES.find(({ title }) => title === 'connections that the server never ends');
if (leaks === undefined) throw new Error('the scene has another title');
const autocannon = join(CLIENTS || '/', 'node_modules/autocannon');
const tools = `${toolsOf(leaks)} && [ "$(ulimit -Hn)" -ge 20000 ] && [ -d '${autocannon}' ]`;

testWith(
  tools,
  'in a table of 50,000 rows a leak is found, with a quarter of a core at most',
  async () => {
    const { diagnosis, text } = await diagnoseScene(leaks, {
      library: library.folder,
      isInside: false,
      clients: CLIENTS,
      neighbours: NEIGHBOURS,
    });
    const { samples } = diagnosis.run;
    const { cost } = diagnosis;
    console.log(
      `${samples[0]?.table?.rows} rows: ${cost.samples} looks, one every ${cost.medianIntervalMs} ms, ${cost.cpuCores} of a core`,
    );
    for (const { table } of samples) expect(table?.rows, text).toBeGreaterThan(ROWS);
    expect(diagnosis.findings[0]?.kind, text).toBe('leak');
    expect(cost.cpuCores).toBeLessThanOrEqual(0.25);
  },
  120_000,
);
