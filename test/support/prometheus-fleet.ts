// Services of test/fixtures/programs/fleet-*.mjs, each in a network namespace of its own, as targets of a Prometheus outside.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCertificate } from './certificate.ts';
import { Program } from './program.ts';
import { until } from './wait.ts';

/** What kind of service a process is; `limits` is two: the caller, and the door that it calls. */
export type FleetKind = 'healthy' | 'leaking' | 'limits' | 'descriptors' | 'blind' | 'seldom' | 'remedied';

/** One process, or a pair of them, to start. */
export interface FleetMember {
  readonly kind: FleetKind;
  readonly job: string;
  /** One for each process. */
  readonly instances: readonly string[];
}

/** A fleet under way. */
export interface Fleet {
  /** For Prometheus' configuration. */
  readonly scrapeConfigs: readonly object[];
  /** Ends a process and starts it anew under its name. */
  restart(instance: string): Promise<void>;
  stop(): Promise<void>;
}

/** What the fleet needs, for testWith. */
export const FLEET_TOOLS = 'ss && command -v ip && command -v prlimit && command -v unshare && unshare -rnm true';

/** So many descriptors has the service that runs out of them. */
const DESCRIPTORS = 200;
const SERVED_WITHIN_MS = 40_000;
const PROGRAMS = fileURLToPath(new URL('../fixtures/programs/', import.meta.url));

/** Starts all of them, and waits until each serves its metrics. */
export async function startFleet(members: readonly FleetMember[]): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-fleet-'));
  mkdirSync(join(folder, 'empty'));
  // One connection to each: a service without descriptors takes no second one.
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const pathOf = (instance: string): string => join(folder, instance);
  const certificate = JSON.stringify(createCertificate());

  /** TCP outside, a socket of the file system inside: that is what all namespaces share. */
  const relay = http.createServer((request, response) => {
    const socketPath = pathOf(request.url?.slice(1) ?? '');
    http
      .get({ socketPath, agent, path: '/metrics' }, (answer) => answer.pipe(response))
      .on('error', () => response.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port } = relay.address() as AddressInfo;

  const launch = ({ kind, instances }: FleetMember): Program =>
    new Program(['unshare', '-rnm', ...commandOf(kind, instances.map(pathOf), join(folder, 'empty'))], {
      PATH: process.env['PATH'] ?? '',
      FLEET_TLS: certificate,
    });
  const programs = new Map(members.map((member) => [member, launch(member)]));

  async function served({ instances }: FleetMember): Promise<void> {
    for (const instance of instances) {
      const isServed = (): Promise<boolean> =>
        fetch(`http://127.0.0.1:${port}/${instance}`).then(
          async (response) => (await response.text()).includes('_info{'),
          () => false,
        );
      const said = (): string => JSON.stringify([...programs.values()].map(({ stdout, stderr }) => stdout + stderr));
      await until(isServed, () => `${instance} serves its metrics: ${said()}`, SERVED_WITHIN_MS);
    }
  }

  async function stop(): Promise<void> {
    agent.destroy();
    relay.close();
    relay.closeAllConnections();
    await Promise.all([...programs.values()].map((program) => program.end()));
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await Promise.all(members.map(served));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    scrapeConfigs: [...new Set(members.map(({ job }) => job))].map((job) => ({
      job_name: job,
      static_configs: members
        .filter((member) => member.job === job)
        .flatMap(({ instances }) => instances)
        .map((instance) => ({
          targets: [`127.0.0.1:${port}`],
          labels: { instance, __metrics_path__: `/${instance}` },
        })),
    })),
    async restart(instance) {
      const member = members.find(({ instances }) => instances.includes(instance));
      if (member === undefined) throw new Error(`no ${instance} in the fleet`);
      await programs.get(member)?.end();
      for (const each of member.instances) rmSync(pathOf(each), { force: true });
      programs.set(member, launch(member));
      await served(member);
    },
    stop,
  };
}

function commandOf(kind: FleetKind, paths: readonly string[], empty: string): readonly string[] {
  const node = (program: string, ...parameters: readonly string[]): readonly string[] => [
    ...[process.execPath, '--import', import.meta.resolve('tsx'), `${PROGRAMS}fleet-${program}.mjs`],
    ...paths,
    ...parameters,
  ];
  switch (kind) {
    case 'healthy':
    case 'leaking':
      return node('shop', kind);
    case 'limits':
      return node('limits');
    case 'descriptors':
      return node('descriptors', `${DESCRIPTORS}`);
    case 'blind':
      return node('blind', empty);
    case 'seldom':
    case 'remedied':
      return node(kind);
  }
}
