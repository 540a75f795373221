// examples/kubernetes: what the files say fits together, and what they do can be done here, in a network namespace as a
// pod has one. Not tested: the cluster itself, and the redirection of a mesh, which needs its iptables.
import { execFile } from 'node:child_process';

import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../src/web/environment.ts';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { testWith } from '../support/tools.ts';
import { parseYaml } from '../support/yaml.ts';

interface Container {
  readonly name: string;
  readonly image: string;
  readonly workingDir: string;
  readonly command: readonly string[];
  readonly env: readonly { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
  readonly ports: readonly { name: string; containerPort: number; hostPort?: number }[];
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly securityContext: object;
}
interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly securityContext: object;
  readonly containers: readonly Container[];
}
interface Metadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: PodSpec & { readonly template?: { readonly metadata: Metadata; readonly spec: PodSpec } };
}
interface PodMonitor {
  readonly kind: 'PodMonitor';
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly { readonly port: string; readonly path: string }[];
  };
}
/** For test/fixtures/programs/pod.mjs. */
interface Plan {
  readonly processes: readonly object[];
  readonly scrapes: readonly { readonly url: string; readonly pattern: string }[];
  readonly says?: readonly { readonly process: number; readonly pattern: string }[];
}
interface Seen {
  readonly stderr: readonly string[];
  readonly texts: readonly string[];
  readonly rows: readonly string[];
  readonly timedOut?: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLES = join(ROOT, 'examples/kubernetes');
const POD = join(ROOT, 'test/fixtures/programs/pod.mjs');
const ALONE = process.getuid?.() === 0 ? ['unshare', '-nm'] : ['unshare', '-rnm'];
const NEEDS = `ss && command -v ip && command -v ${ALONE.join(' ')} true`;
const WORKLOADS = ['deployment.yaml', 'host-network.yaml', 'service-mesh.yaml', 'two-containers.yaml'];
/** What Kubernetes fills in. */
const FIELDS: Readonly<Record<string, string>> = { 'status.hostIP': '127.0.0.1', 'status.podIP': '127.0.0.1' };

const podMonitor = manifest('podmonitor.yaml') as unknown as PodMonitor;
const workloads = WORKLOADS.map((file) => ({ file, ...podOf(manifest(file)) }));
const containers = workloads.flatMap(({ file, spec }) =>
  spec.containers.map((container) => ({ file, name: container.name, container })),
);

describe('the files of examples/kubernetes', () => {
  it('are these, each in the README', () => {
    expect(readdirSync(EXAMPLES).sort()).toEqual(['README.md', 'podmonitor.yaml', ...WORKLOADS].sort());
    const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
    for (const file of ['podmonitor.yaml', ...WORKLOADS]) expect(readme).toContain(`(${file})`);
  });

  it.each(containers)('$file: $name sets variables that register accepts, and declares their port', ({ container }) => {
    const { complaints, serve } = readEnvironment(variablesOf(container));
    expect(complaints).toEqual([]);
    const declared = container.ports.filter(({ containerPort }) => containerPort === serve?.port);
    expect(declared).toHaveLength(1);
    // Kubernetes': at most 15 characters.
    expect(declared[0]?.name).toMatch(/^(?=.{1,15}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    expect(podMonitor.spec.podMetricsEndpoints.map(({ port }) => port)).toContain(declared[0]?.name);
  });

  it.each(containers)('$file: $name may do nothing that it need not', ({ container }) => {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.resources).toMatchObject({ requests: { memory: expect.any(String) }, limits: expect.anything() });
  });

  it.each(workloads)(
    '$file runs as nobody, is found by the PodMonitor, and no port comes twice',
    ({ metadata, spec }) => {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65_534 });
      expect(metadata.labels).toMatchObject(podMonitor.spec.selector.matchLabels);
      const ports = spec.containers.flatMap((container) => container.ports);
      expect(new Set(ports.map(({ name }) => name)).size).toBe(ports.length);
      expect(new Set(ports.map(({ containerPort }) => containerPort)).size).toBe(ports.length);
      for (const { containerPort, hostPort } of ports)
        expect(hostPort).toBe(spec.hostNetwork ? containerPort : undefined);
    },
  );

  it('ask a selector for labels that the pods have', () => {
    for (const file of WORKLOADS) {
      const { spec } = manifest(file) as Manifest & { spec: { selector?: { matchLabels: object } } };
      if (spec.selector !== undefined) expect(spec.template?.metadata.labels).toMatchObject(spec.selector.matchLabels);
    }
  });

  it('let the port bypass the sidecar of a mesh', () => {
    const { metadata, spec } = podOf(manifest('service-mesh.yaml'));
    const port = spec.containers[0]?.env.find(({ name }) => name === 'FINWAIT_PORT')?.value;
    expect(metadata.annotations).toEqual({
      'traffic.sidecar.istio.io/excludeInboundPorts': port,
      'config.linkerd.io/skip-inbound-ports': port,
    });
  });

  it('ask at the path that is served', () => {
    for (const { path } of podMonitor.spec.podMetricsEndpoints) expect(path).toBe('/metrics');
  });
});

describe.skipIf(process.platform !== 'linux')('in a network namespace of its own', { timeout: 35_000 }, () => {
  let library: BuiltLibrary;
  /** The image: /app of the files. */
  let app = '';

  beforeAll(() => {
    library = buildLibrary();
    app = mkdtempSync(join(tmpdir(), 'finwait-image-'));
    chmodSync(app, 0o755);
    const modules = join(app, 'node_modules');
    mkdirSync(join(modules, 'finwait'), { recursive: true });
    cpSync(library.folder, join(modules, 'finwait/dist'), { recursive: true });
    // As npm leaves it; a temporary folder is its owner's alone.
    chmodSync(join(modules, 'finwait/dist'), 0o755);
    cpSync(join(ROOT, 'package.json'), join(modules, 'finwait/package.json'));
    for (const name of ['prom-client', '@opentelemetry/api', 'tdigest', 'bintrees']) {
      cpSync(join(ROOT, 'node_modules', name), join(modules, name), { recursive: true });
    }
    // A service, and one that keeps a connection to it. They ask for samples themselves, because a sample that costs much,
    // on a machine that is busy, is followed by a long pause; two, because the first may be one that is under way.
    const sample = `async function sample() {
      const { monitor } = await import('finwait/register');
      for (let i = 0; i < 2; i++) await monitor.sample();
    }`;
    writeFileSync(
      join(app, 'server.js'),
      `${sample}
       require('node:net').createServer((s) => { s.resume(); sample(); }).listen(3000, '0.0.0.0', sample);`,
    );
    writeFileSync(
      join(app, 'worker.js'),
      `${sample}
       require('node:net').connect(3000, '127.0.0.1', sample).resume();`,
    );
    // No finwait in it, as in a sidecar: two connections come in, and each goes on to the service.
    writeFileSync(
      join(app, 'sidecar.js'),
      `const net = require('node:net');
       net.createServer((s) => s.pipe(net.connect(3000, '127.0.0.1')).pipe(s)).listen(15006, '127.0.0.1', () => {
         for (let i = 0; i < 2; i++) net.connect(15006, '127.0.0.1').resume();
       });`,
    );
  }, 60_000);
  afterAll(() => {
    library.remove();
    rmSync(app, { recursive: true });
  });

  /** A container as a process: its command, environment and folder; where there is root, as its user and read-only. */
  function processOf(container: Container, listens: number | undefined, user: readonly string[] = []) {
    const command = container.command.map((word) => (word === 'node' ? process.execPath : word));
    const env = { PATH: process.env['PATH'], FINWAIT_SAMPLE_INTERVAL_MS: '3600000', ...variablesOf(container) };
    return { command: [...user, ...command], env, cwd: app, listens };
  }

  async function pod(plan: Plan, under: readonly string[] = []): Promise<Seen> {
    const [file = '', ...rest] = [...ALONE, ...under, process.execPath, POD, JSON.stringify(plan)];
    const { stdout, stderr } = await promisify(execFile)(file, rest, {
      env: { PATH: process.env['PATH'] },
      maxBuffer: 2 ** 24,
    });
    expect(stderr).toBe('');
    const seen = JSON.parse(stdout) as Seen;
    expect(seen.timedOut, seen.stderr.join('')).toBeUndefined();
    return seen;
  }

  testWith(`${NEEDS} && command -v setpriv`, 'one service, as nobody on a read-only root: both columns', async () => {
    const [container] = podOf(manifest('deployment.yaml')).spec.containers as [Container];
    const asNobody =
      process.getuid?.() === 0
        ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs', '--bounding-set=-all']
        : [];
    const readOnly = ['sh', '-c', 'mount -o remount,bind,ro / 2>/dev/null; exec "$@"', 'sh'];
    const { texts, stderr } = await pod(
      {
        processes: [processOf(container, 3000, asNobody)],
        // From another address than the loopback's own: it listens on all.
        scrapes: [
          {
            url: 'http://127.0.0.2:9464/metrics',
            pattern: 'tcp_sockets\\{side="server",name="3000",state="listen"\\} 1\n',
          },
        ],
      },
      process.getuid?.() === 0 ? readOnly : [],
    );
    expect(stderr).toEqual(['']);
    expect(texts[0]).toContain('nodejs_tcp_collector_up 1\n');
    expect(texts[0]).toContain('nodejs_tcp_sockets{side="server",name="3000",state="listen"} 1\n');
  });

  testWith(NEEDS, 'two containers: each its own sockets, both the same namespace', async () => {
    const [shop, worker] = podOf(manifest('two-containers.yaml')).spec.containers as [Container, Container];
    const { texts, stderr } = await pod({
      processes: [processOf(shop, 3000), processOf(worker, undefined)],
      scrapes: [
        {
          url: 'http://127.0.0.1:9464/metrics',
          pattern: 'tcp_sockets\\{side="server",name="3000",state="established"\\} 1\n',
        },
        {
          url: 'http://127.0.0.1:9465/metrics',
          pattern: 'tcp_sockets\\{side="client",name="ip:3000",state="established"\\} 1\n',
        },
      ],
    });
    expect(stderr).toEqual(['', '']);
    const [ofShop = '', ofWorker = ''] = texts;
    expect(ofShop).not.toContain('side="client",name=');
    expect(ofWorker).not.toContain('side="server",name=');
    expect(netnsOf(ofWorker)).toBe(netnsOf(ofShop));
    // Both ends are in the namespace, and a connection of a scrape may be.
    for (const text of texts) expect(pointOf(text, 'netns_sockets{state="established"}')).toBeGreaterThanOrEqual(2);
  });

  testWith(NEEDS, 'two processes with one port: the second says one line and runs on', async () => {
    const [shop, worker] = podOf(manifest('two-containers.yaml')).spec.containers as [Container, Container];
    const second = processOf(worker, undefined);
    const { stderr } = await pod({
      processes: [processOf(shop, 9464), { ...second, env: { ...second.env, FINWAIT_PORT: '9464' } }],
      scrapes: [
        { url: 'http://127.0.0.1:9464/metrics', pattern: 'tcp_open_connections\\{side="server",name="3000"\\} 1\n' },
      ],
      says: [{ process: 1, pattern: '\n' }],
    });
    expect(stderr[0]).toBe('');
    expect(stderr[1]).toMatch(/^finwait: port 9464 of 0\.0\.0\.0 is in use, [^\n]*\n$/);
  });

  testWith(NEEDS, 'a sidecar: the namespace has its sockets, the service none of them', async () => {
    const [shop] = podOf(manifest('service-mesh.yaml')).spec.containers as [Container];
    const sidecar = { command: [process.execPath, join(app, 'sidecar.js')], env: {}, cwd: app, listens: 15006 };
    const { texts, rows } = await pod({
      processes: [processOf(shop, 3000), sidecar],
      scrapes: [
        {
          url: 'http://127.0.0.1:9464/metrics',
          pattern: 'tcp_sockets\\{side="server",name="3000",state="established"\\} 2\n',
        },
      ],
    });
    // Two from outside to the sidecar and two from there to the service, with two ends each.
    expect(rows.filter((row) => /:(?:3000|15006)\b/.test(row))).toHaveLength(8);
    expect(pointOf(texts[0] ?? '', 'netns_sockets{state="established"}')).toBeGreaterThanOrEqual(8);
    expect(pointOf(texts[0] ?? '', 'sockets{side="server",name="3000",state="established"}')).toBe(2);
  });
});

function manifest(file: string): Manifest {
  return parseYaml(readFileSync(join(EXAMPLES, file), 'utf8')) as unknown as Manifest;
}

function podOf({ metadata, spec }: Manifest): { readonly metadata: Metadata; readonly spec: PodSpec } {
  return spec.template ?? { metadata, spec };
}

function variablesOf({ env }: Container): Readonly<Record<string, string>> {
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => [name, value ?? FIELDS[valueFrom?.fieldRef.fieldPath ?? ''] ?? '?']),
  );
}

function netnsOf(text: string): string {
  return /nodejs_tcp_info\{[^}]*netns="(\w+)"/.exec(text)?.[1] ?? '';
}

function pointOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`nodejs_tcp_${series} `));
  return Number(line?.split(' ').at(-1));
}
