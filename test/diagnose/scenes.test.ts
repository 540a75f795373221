// Real load on servers that are each crippled in one way: what `finwait diagnose` says first, and what it does not say,
// with finwait in the server and without.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { diagnoseScene, linkPackages, toolsOf } from '../support/diagnose-scene.ts';
import { type DiagnoseScene, SCENES } from './scenes.ts';

const CLIENTS = process.env['FINWAIT_CLIENTS'] ?? '';
const RUNS = Number(process.env['FINWAIT_DIAGNOSE_RUNS'] ?? 1);
/** Of one run, on a busy machine. */
const DEADLINE_MS = 60_000;

const CASES = SCENES.flatMap((scene) => [
  { scene, isInside: false },
  { scene, isInside: true },
]);
type Case = (typeof CASES)[number];

let library: BuiltLibrary;
beforeAll(() => {
  library = buildLibrary();
  linkPackages(library.folder);
});
afterAll(() => library.remove());

// Three at a time: most loads leave the processors to the others.
const [busy, free] = [CASES.filter(({ scene }) => scene.isBusy === true), CASES.filter(({ scene }) => !scene.isBusy)];
const LANES: readonly (readonly [string, readonly Case[]])[] = [
  ['that takes the processors', busy],
  ['that leaves the processors free', free.filter(({ isInside }) => !isInside)],
  ['that leaves the processors free, as finwait inside sees it', free.filter(({ isInside }) => isInside)],
];
describe.concurrent.each(LANES)('a load %s', (_lane, cases) => {
  for (const { scene, isInside } of cases) {
    const missing = whatIsMissing(scene);
    const title = `${scene.title} is ${scene.first}${isInside ? ', with finwait in the server' : ''}`;
    if (missing !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] !== '1') {
      test.skip(`${title} (needs ${missing})`, () => undefined);
    } else test.sequential(title, () => hold(scene, isInside), RUNS * DEADLINE_MS);
  }
});

async function hold(scene: DiagnoseScene, isInside: boolean): Promise<void> {
  for (let run = 0; run < RUNS; run++) {
    const { diagnosis, text } = await diagnoseScene(scene, {
      library: library.folder,
      isInside,
      clients: CLIENTS,
      recordings: process.env['FINWAIT_DIAGNOSE_RECORDINGS'],
    });
    const found = diagnosis.findings.map(({ kind }) => kind);
    const allowed = new Set<string>([scene.first, ...(scene.also ?? []), ...(scene.maybe ?? [])]);
    expect(found[0] ?? 'nothing', text).toBe(scene.first);
    expect(found, text).toEqual(expect.arrayContaining([...(scene.also ?? [])]));
    expect(
      found.filter((kind) => !allowed.has(kind)),
      text,
    ).toEqual([]);
    expect(diagnosis.run.samples.some(({ inside }) => inside !== undefined)).toBe(isInside);
  }
}

function whatIsMissing(scene: DiagnoseScene): string | undefined {
  if (scene.load.includes('autocannon') && !existsSync(join(CLIENTS || '/', 'node_modules/autocannon'))) {
    return 'autocannon in FINWAIT_CLIENTS';
  }
  const tools = toolsOf(scene);
  return spawnSync('sh', ['-c', tools]).status === 0 ? undefined : tools;
}
