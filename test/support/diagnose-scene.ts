// A scene of test/diagnose under way: its server in a network namespace of its own, and `finwait diagnose` beside it
// with the load.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import type { DiagnoseScene, SceneNetwork } from '../diagnose/scenes.ts';
import { ROOT } from './packed-package.ts';
import { Program } from './program.ts';

/** How a scene is run. */
export interface SceneOptions {
  /** The folder of the built library. */
  readonly library: string;
  /** Whether finwait is in the server too. */
  readonly isInside: boolean;
  /** The folder with the load generators of npm. */
  readonly clients: string;
  /** A folder that keeps what was recorded. */
  readonly recordings?: string | undefined;
  /** Connections of other processes in the same network namespace, two rows each, by process. @default [] */
  readonly neighbours?: readonly number[];
}

/** What came of a scene. */
export interface SceneOutcome {
  readonly diagnosis: Diagnosis;
  /** The report, and what the load and finwait said beside it. */
  readonly text: string;
}

/** Thousands of connections take their time on a busy machine. */
const NEIGHBOURS_MS = 60_000;

const PROGRAMS = join(ROOT, 'test/fixtures/programs');

/** What makes a network namespace what it is, from inside it. */
const NETWORKS: Readonly<Record<SceneNetwork, string>> = {
  plain: 'ip link set lo up',
  'few ports': `ip link set lo up
    echo 40000 41999 >/proc/sys/net/ipv4/ip_local_port_range
    echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse`,
  // At the receiving end: what is dropped before it is sent, the sender's TCP knows of. With the MTU of an Ethernet, for
  // a packet of 64 kB is not lost as often as forty of 1.5 kB.
  lossy: `ip link set lo up mtu 1500
    printf '%s\\n' 'table inet loss {' 'chain input {' 'type filter hook input priority 0' \
      'meta l4proto tcp numgen random mod 100 < 3 drop' '}' '}' | nft -f -`,
};

/** What a machine needs for a scene, as a line for a shell. */
export function toolsOf({ load, network, descriptors }: DiagnoseScene): string {
  const tools = ['ss', 'ip', 'nsenter'];
  if (load.includes('wrk')) tools.push('wrk');
  if (network === 'lossy') tools.push('nft');
  if (descriptors !== undefined) tools.push('prlimit');
  return [...tools.map((tool) => `command -v ${tool}`), 'unshare -rn true'].join(' && ');
}

/** Lets the library that was built find the packages that the command line is made of. */
export function linkPackages(library: string): void {
  symlinkSync(join(ROOT, 'node_modules'), join(library, 'node_modules'));
}

/** Runs a scene to its end. Leaves no process and no namespace behind. */
export async function diagnoseScene(scene: DiagnoseScene, options: SceneOptions): Promise<SceneOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-scene-'));
  const server = startServer(scene, options);
  const neighbours: Program[] = [];
  try {
    const port = await server.says('stdout', /^listening (\d+)$/m);
    for (const count of options.neighbours ?? []) neighbours.push(startNeighbours(server, count));
    for (const neighbour of neighbours) await neighbour.says('stdout', /^(neighbours)/m, NEIGHBOURS_MS);
    const json = join(folder, 'run.json');
    const cli = new Program(
      [
        ...besides(server),
        ...[process.execPath, join(options.library, 'cli.js'), 'diagnose'],
        ...['--port', port, '--settle', '3s', '--json', json, '--', ...loadOf(scene, port, options)],
      ],
      { PATH: process.env['PATH'] ?? '' },
    );
    try {
      await cli.ended;
    } finally {
      cli.kill();
    }
    const text = `${cli.stdout}\n${cli.stderr}\n${server.stderr}`;
    const diagnosis = parse(json, text);
    if (options.recordings !== undefined) {
      mkdirSync(options.recordings, { recursive: true });
      const how = options.isInside ? 'inside' : 'outside';
      copyFileSync(json, join(options.recordings, `${scene.title.replaceAll(/\W+/g, '-')}.${how}.json`));
    }
    return { diagnosis, text };
  } finally {
    for (const neighbour of neighbours) neighbour.kill();
    await server.end();
    rmSync(folder, { recursive: true });
  }
}

/** Runs what follows in the network namespace of a server. */
function besides({ pid }: Program): readonly string[] {
  return ['nsenter', '-t', `${pid}`, '-U', '-n', '--preserve-credentials'];
}

function startNeighbours(server: Program, connections: number): Program {
  const program = [process.execPath, join(PROGRAMS, 'load-neighbours.mjs'), `${connections}`];
  return new Program([...besides(server), ...program], { PATH: process.env['PATH'] ?? '' });
}

function startServer(scene: DiagnoseScene, { library, isInside }: SceneOptions): Program {
  const { server, network = 'plain', descriptors } = scene;
  const [family = '', ...rest] = server;
  const limits = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}`];
  const flags = isInside ? ['--import', pathToFileURL(join(library, 'register.js')).href] : [];
  const program = [process.execPath, ...flags, join(PROGRAMS, `load-${family}.mjs`), ...rest];
  return new Program(['unshare', '-rn', 'sh', '-ec', `${NETWORKS[network]}\nexec "$@"`, 'sh', ...limits, ...program], {
    PATH: process.env['PATH'] ?? '',
  });
}

function loadOf({ load }: DiagnoseScene, port: string, { clients }: SceneOptions): readonly string[] {
  return load.flatMap((word) => {
    if (word === 'autocannon') return [process.execPath, join(clients, 'node_modules/autocannon/autocannon.js')];
    if (word === 'client') return [process.execPath, join(PROGRAMS, 'load-client.mjs')];
    if (word.endsWith('.lua')) return join(PROGRAMS, word);
    return word.replace('URL', `http://127.0.0.1:${port}`).replace('PORT', port);
  });
}

function parse(json: string, text: string): Diagnosis {
  try {
    return JSON.parse(readFileSync(json, 'utf8')) as Diagnosis;
  } catch (error) {
    throw new Error(`finwait diagnose wrote no recording: ${text}`, { cause: error });
  }
}
