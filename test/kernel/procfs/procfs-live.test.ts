// procfs of a real kernel, in places made for it: what is read is held against ss, and what fails against its reason.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import type { DescriptorCounts } from '../../../src/kernel/procfs/descriptors.ts';
import type { Counters } from '../../../src/kernel/procfs/read-counters.ts';
import type { ProcfsRead } from '../../../src/kernel/procfs/read-procfs.ts';
import type { Sysctls } from '../../../src/kernel/procfs/sysctl.ts';
import type { KernelRow } from '../../../src/sockets/row.ts';
import { STATE } from '../../../src/tcp/state.ts';
import { testWith } from '../../support/tools.ts';

const PROGRAM = fileURLToPath(new URL('../../fixtures/programs/procfs.mjs', import.meta.url));
// As root or in a namespace of users of its own, where the machine allows those.
const NAMESPACE = 'unshare && unshare -rnm true';
const ROOT = 'setpriv && setpriv --reuid 65534 --regid 65534 --clear-groups true';
const DEADLINE_MS = 20_000;

describe('procfs', () => {
  testWith(
    `ss && command -v ip && command -v ${NAMESPACE}`,
    'shows a quiet namespace as netlink does: state, tuple, inode, queues and timer of every socket',
    async () => {
      const { read, rows, ss, quiet } = await start(['unshare', '-rnm'], 'world');
      expect(quiet).toBe(true);
      expect(read).toMatchObject({ ok: true, rows: ss?.length, duplicates: 0, unparsed: 0 });
      expect(rows.map(comparable).sort()).toEqual(ss?.map(comparable).sort());
      const states = new Map<number, number>();
      for (const row of rows) states.set(row.state, (states.get(row.state) ?? 0) + 1);
      expect(states).toEqual(
        new Map([
          [STATE.LISTEN, 5],
          [STATE.ESTABLISHED, 160],
          [STATE.FIN_WAIT_2, 160],
          [STATE.CLOSE_WAIT, 160],
          [STATE.TIME_WAIT, 80],
          [STATE.SYN_SENT, 40],
        ]),
      );
    },
  );

  testWith(ROOT, 'is read without any right, as uid 65534', async () => {
    const { read, counters, sysctls } = await start(
      ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
      'plain',
    );
    expect(read).toMatchObject({ ok: true, unparsed: 0 });
    expect(counters.missing).toEqual([]);
    expect(sysctls.localPortRange).toBeDefined();
  });

  testWith('prlimit', 'is read when all descriptors are in use, if it was opened before', async () => {
    const { read, counters, descriptors, oldDescriptors, late } = await start(['prlimit', '--nofile=256'], 'exhausted');
    expect(read).toMatchObject({ ok: true, unparsed: 0 });
    expect(counters.missing).toEqual([]);
    expect(counters.inuse).toBeGreaterThanOrEqual(0);
    // Node itself may have given one or two back since.
    for (const { open, limit } of [descriptors, oldDescriptors]) {
      expect(limit).toBe(256);
      expect(open).toBeGreaterThan(250);
    }
    expect(late).toMatchObject({ ok: false, reason: 'read_failed', detail: 'EMFILE: /proc/net/tcp' });
  });

  testWith(NAMESPACE, 'is missing where /proc/net is covered', async () => {
    const { read, counters } = await start(shell(['unshare', '-rnm'], 'mount -t tmpfs none /proc/$$/net'), 'plain');
    expect(read).toMatchObject({ ok: false, reason: 'procfs_missing', detail: 'ENOENT: /proc/net/tcp' });
    expect(counters.missing).toHaveLength(4);
  });

  testWith(NAMESPACE, 'is no table where /proc/net/tcp is covered by an empty file', async () => {
    const mount = 'mount -t tmpfs none /proc/$$/net && touch /proc/$$/net/tcp';
    const { read } = await start(shell(['unshare', '-rnm'], mount), 'plain');
    expect(read).toMatchObject({ ok: false, reason: 'parse_ratio', detail: 'no header' });
  });

  testWith(NAMESPACE, 'is missing where /proc shows processes only', async () => {
    const { read, counters, sysctls, descriptors } = await start(
      shell(['unshare', '-rnmpf'], 'mount -t proc -o subset=pid proc /proc'),
      'plain',
    );
    expect(read).toMatchObject({ ok: false, reason: 'procfs_missing' });
    expect(counters.missing).toHaveLength(4);
    expect(sysctls).toEqual({});
    // That is a process's own business.
    expect(descriptors.open).toBeGreaterThan(2);
    expect(descriptors.limit).toBeGreaterThan(2);
  });

  testWith(ROOT, 'is denied where its file is for root alone', async () => {
    const prepare =
      'mount -t tmpfs none /mnt && touch /mnt/tcp && chmod 600 /mnt/tcp && mount --bind /mnt /proc/$$/net';
    const become = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const { read } = await start([...shell(['unshare', '-m'], prepare), ...become], 'plain');
    expect(read).toMatchObject({ ok: false, reason: 'eacces', detail: 'EACCES: /proc/net/tcp' });
  });
});

interface Report {
  readonly read: ProcfsRead;
  readonly rows: readonly KernelRow[];
  readonly ss?: readonly KernelRow[];
  readonly quiet?: boolean;
  readonly counters: Counters;
  readonly descriptors: DescriptorCounts;
  readonly oldDescriptors: DescriptorCounts;
  readonly sysctls: Sysctls;
  readonly late?: ProcfsRead;
}

/** Runs the program under these words, and returns what it reports. */
async function start(under: readonly string[], mode: string): Promise<Report> {
  const [file = '', ...rest] = [...under, process.execPath, '--import', import.meta.resolve('tsx'), PROGRAM, mode];
  const options = { timeout: DEADLINE_MS, maxBuffer: 16_777_216, env: { PATH: process.env['PATH'] } };
  const { stdout } = await promisify(execFile)(file, rest, options);
  return JSON.parse(stdout) as Report;
}

/** Runs a command, and then what follows in the same process. */
function shell(under: readonly string[], command: string): readonly string[] {
  return [...under, 'sh', '-c', `${command} && exec "$@"`, 'sh'];
}

/** What both sources tell of a row. The timers ran on between the two. */
function comparable({ state, tuple, inode, receiveQueue, sendQueue, timer }: KernelRow): string {
  return [state, tuple, inode, receiveQueue, state === STATE.LISTEN ? '' : sendQueue, timer].join(' ');
}
