import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spreadOf } from './statistics.ts';
import { type Finding, judge } from './verdict.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * How much later a program that does nothing ends with `--import finwait/register`: loading it, making the monitor and
 * finding out what is there. Bare and observed alternate, and what is loaded is what is published.
 */
export async function* measureStart(quick: boolean): AsyncGenerator<Finding> {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const register = join(ROOT, 'dist/register.js');
  const wallMs = (flags: readonly string[]): number => {
    const startedAt = performance.now();
    const { status } = spawnSync(process.execPath, [...flags, '-e', '0'], { env: {} });
    if (status !== 0) throw new Error(`a program that does nothing ended with ${status}`);
    return performance.now() - startedAt;
  };
  const bare: number[] = [];
  const added: number[] = [];
  // The first run reads the files from the disk.
  wallMs(['--import', register]);
  for (let run = 0; run < (quick ? 15 : 50); run++) {
    const without = wallMs([]);
    bare.push(without);
    added.push(wallMs(['--import', register]) - without);
  }
  const measured = spreadOf(added);
  yield {
    goal: '-',
    what: 'start with finwait/register',
    measured,
    unit: 'ms',
    atMost: 60,
    verdict: judge(measured, 60),
    note: `on ${spreadOf(bare).median.toFixed(1)} ms`,
  };
}
