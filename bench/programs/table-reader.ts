// Other ways for a Node process to look at the table: `netstat -ant` and what a first attempt makes of its lines, and
// systeminformation's networkConnections().
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { answer } from './worker.ts';

type Question = { readonly type: 'netstat' | 'systeminformation' };

const [packages, netstat] = process.argv.slice(2) as [string, string];
// systeminformation looks for netstat in PATH.
if (netstat !== '') process.env['PATH'] = `${dirname(netstat)}${delimiter}${process.env['PATH'] ?? ''}`;
const { networkConnections } =
  packages === ''
    ? { networkConnections: undefined }
    : (createRequire(join(packages, 'index.js'))('systeminformation') as {
        networkConnections: () => Promise<unknown[]>;
      });

answer<Question>({}, async ({ type }) => {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const rows = type === 'netstat' ? await countWithNetstat() : ((await networkConnections?.()) ?? []).length;
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  return { rows, wallMs, cpuMs: (user + system) / 1_000 };
});

async function countWithNetstat(): Promise<number> {
  const child = spawn(netstat, ['-ant'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (status !== 0) throw new Error(`netstat ended with ${status}`);
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [protocol, , , , , state] = line.split(/\s+/);
    if (state !== undefined && protocol?.startsWith('tcp')) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
