import { spawn } from 'node:child_process';
import { IN_NAMESPACE } from './machine.ts';

/** How a program is run. */
export interface RunOptions {
  readonly nodeFlags?: readonly string[];
  /** In a network namespace of its own. */
  readonly namespace?: boolean;
  /** Pinned to this core. */
  readonly core?: number | undefined;
}

/** Runs a compiled program with this very Node, and parses what it prints as JSON. */
export async function runProgram<T>(path: string, args: readonly string[], options: RunOptions = {}): Promise<T> {
  const { nodeFlags = [], namespace = false, core } = options;
  const command = [
    ...(namespace ? IN_NAMESPACE : []),
    ...(core === undefined ? [] : ['taskset', '-c', String(core)]),
    process.execPath,
    ...nodeFlags,
    path,
    ...args,
  ];
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], env: ENV });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (status !== 0) throw new Error(`${path} ${args.join(' ')} ended with ${status}`);
  return JSON.parse(text) as T;
}

/** Without what a runner of TypeScript puts into NODE_OPTIONS. */
const ENV: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '' };
