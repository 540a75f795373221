// The servers that real clients are held against: Redis and PostgreSQL as Debian has them, and programs of our own. Each
// runs in a process of its own on a port that it keeps, so that it can be killed and come back.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { until } from './wait.ts';

/** A server that can be stopped and started again on the same port. */
export interface Upstream {
  /** Where its clients connect to. */
  readonly port: number;
  /** Starts it, and resolves once it says that it serves. */
  start(): Promise<void>;
  /** Ends it with a signal, and resolves once it is gone. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** What kinds of servers there are, and what they share: a folder with a certificate and with PostgreSQL's data. */
export interface Upstreams {
  /** A file with the certificate that all of them show, for `localhost`. */
  readonly ca: string;
  readonly redis: () => Promise<Upstream>;
  readonly redisTls: () => Promise<Upstream>;
  readonly postgres: () => Promise<Upstream>;
  /** A program of test/fixtures/programs: it is given its port, further parameters and the folder's certificate. */
  readonly program: (file: string, ...parameters: readonly string[]) => Promise<Upstream>;
  /** Ends what still runs, and takes the folder away. */
  readonly remove: () => Promise<void>;
}

/** PostgreSQL refuses to run as root: nobody's id. */
const NOBODY = 65_534;
const START_MS = 15_000;
const PROGRAMS = fileURLToPath(new URL('../fixtures/programs/', import.meta.url));

/** Makes the folder. Nothing runs before it is started. */
export function createUpstreams(): Upstreams {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-upstreams-'));
  const { key, cert } = createCertificate();
  const keyFile = join(folder, 'key.pem');
  const ca = join(folder, 'cert.pem');
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(ca, cert);
  const isRoot = process.getuid?.() === 0;
  const asNobody = isRoot ? ['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'] : [];
  if (isRoot) {
    chmodSync(folder, 0o711);
    for (const file of [folder, keyFile, ca]) chownSync(file, NOBODY, NOBODY);
  }
  const data = join(folder, 'data');
  const running = new Set<ChildProcess>();

  async function startProcess(command: readonly string[], says: string): Promise<ChildProcess> {
    const [file = '', ...parameters] = command;
    // PostgreSQL wants to stand where its user may look.
    const child = spawn(file, parameters, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    const collect = (chunk: unknown): void => {
      output += String(chunk);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', collect);
    await until(
      () => output.includes(says) || child.exitCode !== null,
      () => `${file} says "${says}"; so far: ${output}`,
      START_MS,
    );
    if (!output.includes(says)) throw new Error(`${command.join(' ')} ended with ${child.exitCode}: ${output}`);
    return child;
  }

  async function upstream(command: (port: number) => readonly string[], says: string): Promise<Upstream> {
    const port = await freePort();
    let child: ChildProcess | undefined;
    return {
      port,
      async start() {
        child = await startProcess(command(port), says);
      },
      async stop(signal) {
        if (child !== undefined) await end(child, signal);
      },
    };
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  const tls = ['--tls-cert-file', ca, '--tls-key-file', keyFile, '--tls-ca-cert-file', ca, '--tls-auth-clients', 'no'];
  const redis = ['redis-server', '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  return {
    ca,
    redis: () => upstream((port) => [...redis, '--port', `${port}`], 'Ready to accept connections'),
    redisTls: () =>
      upstream((port) => [...redis, '--port', '0', '--tls-port', `${port}`, ...tls], 'Ready to accept connections'),
    async postgres() {
      const bin = postgresFolder();
      if (!existsSync(data)) {
        const [file = '', ...parameters] = [...asNobody, join(bin, 'initdb'), '-D', data, ...INITDB];
        const { status, stderr, error } = spawnSync(file, parameters, { cwd: folder, encoding: 'utf8' });
        if (status !== 0) throw new Error(`initdb failed: ${stderr}`, { cause: error });
      }
      const settings = Object.entries({
        listen_addresses: '127.0.0.1',
        unix_socket_directories: folder,
        fsync: 'off',
        ssl: 'on',
        ssl_cert_file: ca,
        ssl_key_file: keyFile,
      }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return upstream(
        (port) => [...asNobody, join(bin, 'postgres'), '-D', data, '-p', `${port}`, ...settings],
        'ready to accept connections',
      );
    },
    program: (file, ...parameters) =>
      upstream(
        (port) => [process.execPath, join(PROGRAMS, file), `${port}`, ca, keyFile, ...parameters],
        'ready to accept connections',
      ),
    async remove() {
      for (const child of running) await end(child, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const INITDB: readonly string[] = ['-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync'];

/** Debian keeps the programs of each version out of the PATH. */
function postgresFolder(): string {
  const all = '/usr/lib/postgresql';
  const version = existsSync(all) ? readdirSync(all).sort((one, other) => Number(other) - Number(one))[0] : undefined;
  if (version === undefined) throw new Error(`no PostgreSQL in ${all}`);
  return join(all, version, 'bin');
}
