import { spawnSync } from 'node:child_process';
import { test } from 'vitest';

/** A test that needs a program of the machine: without it the test is skipped and says so, or fails in CI. */
export function testWith(tool: string, title: string, body: () => Promise<void> | void, timeoutMs?: number): void {
  const missing = spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0;
  if (missing && process.env['FINWAIT_REQUIRE_TOOLS'] !== '1') test.skip(`${title} (needs ${tool})`, body);
  else test(title, body, timeoutMs);
}

/** Runs a program to its end with a text on its standard input. */
export function run(
  command: string,
  parameters: readonly string[],
  input: string,
): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, { input, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: `${stdout}${stderr}` };
}
