// Programs in place of ss, each with one fault, and what the reader has to say of it.
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SsReadOptions } from '../../src/kernel/ss/ss-runner.ts';
import { type ProcessInfo, processes } from './processes.ts';

/** A row as ss prints it over netlink. */
export const ROW = 'ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:1 sk:1 <->';

const FIXTURES = fileURLToPath(new URL('../fixtures/ss', import.meta.url));
const MESSAGES = `${FIXTURES}/tanD.diag.bin`;

/** One way to fail, or to be strange and work. */
export interface FakeFault {
  readonly name: string;
  /** A program for sh. */
  readonly script: string;
  /** The mode of its file. @default 0o755 */
  readonly mode?: number;
  readonly options?: Partial<SsReadOptions>;
  /** What a read comes to, as far as it is sure. */
  readonly expected: Readonly<Record<string, unknown>>;
  /** The same without a helper, where it is something else. */
  readonly direct?: Readonly<Record<string, unknown>>;
}

const TIMEOUT = { ok: false, reason: 'timeout' };

/** Faults that show within milliseconds. */
export const QUICK_FAULTS: readonly FakeFault[] = [
  { name: 'works', script: `echo '${ROW}'`, expected: { ok: true, rows: 1, unparsed: 0 } },
  { name: 'prints nothing', script: 'exit 0', expected: { ok: true, rows: 0 } },
  {
    name: 'prints nothing where there are sockets',
    script: 'exit 0',
    options: { expectedRows: 7 },
    expected: { ok: false, reason: 'empty_suspect' },
  },
  { name: 'hangs', script: 'exec sleep 60', options: { timeoutMs: 40 }, expected: TIMEOUT },
  {
    name: 'hangs in a child of its own, after a row',
    script: `echo '${ROW}'; sleep 60; exit 0`,
    options: { timeoutMs: 40 },
    expected: TIMEOUT,
  },
  {
    name: 'drips',
    script: `for each in 1 2 3 4 5; do printf 'ESTAB 0 0 127.0'; sleep 0.005; echo '.0.1:1 127.0.0.1:2'; done`,
    expected: { ok: true, rows: 5, unparsed: 0 },
  },
  {
    name: 'is killed in the middle of a line',
    script: `echo '${ROW}'; printf 'ESTAB 0 0 127.0'; kill -KILL $$`,
    expected: { ok: false, reason: 'signalled', detail: 'SIGKILL' },
  },
  {
    name: 'ends with a broken line',
    script: `echo '${ROW}'; printf 'ESTAB 0 0 127.0'`,
    expected: { ok: false, reason: 'truncated', detail: 'cut off after 1 rows' },
  },
  {
    name: 'kills itself by SIGSYS, as a seccomp filter does',
    script: `echo '${ROW}'; kill -SYS $$`,
    expected: { ok: false, reason: 'signalled', detail: 'SIGSYS' },
  },
  { name: 'prints duplicates', script: `echo '${ROW}'; echo '${ROW}'`, expected: { ok: true, rows: 2 } },
  {
    name: 'prints a state that nobody knows',
    script: `echo 'GLUED 0 0 127.0.0.1:1 127.0.0.1:2'; echo '${ROW}'`,
    expected: { ok: false, reason: 'parse_ratio', detail: '1 of 2 lines, such as: GLUED 0 0 127.0.0.1:1 127.0.0.1:2' },
  },
  {
    name: 'prints one bad line in a hundred',
    script: `yes '${ROW}' | head -n 99; echo UNDEF`,
    expected: { ok: true, rows: 99, unparsed: 1, degraded: { reason: 'unparsed' } },
  },
  {
    name: 'prints garbage',
    script: 'yes nonsense | head -n 1000',
    expected: { ok: false, reason: 'parse_ratio', detail: '1000 of 1000 lines, such as: nonsense' },
  },
  {
    name: 'prints what looks like the end of a run',
    script: `echo '0123456789abcdef0123456789abcdef 0'; echo '${ROW}'`,
    expected: { ok: false, reason: 'parse_ratio' },
  },
  {
    name: 'is ss 4.9',
    script: `cat '${FIXTURES}/versions/ss-4.9.Htanoe.txt'`,
    expected: { ok: true, rows: 62, unparsed: 0 },
  },
  {
    name: 'hands on what the kernel answered',
    script: `cat '${MESSAGES}'`,
    expected: { ok: true, rows: 36, unparsed: 0 },
  },
  {
    name: 'hands on what the kernel answered, but for the end',
    script: `head -c -20 '${MESSAGES}'`,
    expected: { ok: false, reason: 'truncated', detail: 'cut off after 36 rows' },
  },
  {
    name: 'is killed in the middle of a message',
    script: `head -c 1000 '${MESSAGES}'; kill -KILL $$`,
    expected: { ok: false, reason: 'signalled', detail: 'SIGKILL' },
  },
  {
    name: 'prints text behind messages',
    script: `cat '${MESSAGES}'; yes '${ROW}' | head -n 1000`,
    expected: { ok: false, reason: 'parse_ratio', detail: '1 of 37 rows, such as: bytes that are no message' },
  },
  {
    name: 'does not know an option',
    script: `echo "ss: invalid option -- 'O'" >&2; exit 255`,
    expected: { ok: false, reason: 'unsupported_option', detail: "exit code 255: ss: invalid option -- 'O'" },
  },
  {
    name: 'exits with 1',
    script: `echo '${ROW}'; exit 1`,
    expected: { ok: false, reason: 'usage' },
  },
  {
    name: 'breaks off its dump with exit code 0',
    script: `echo '${ROW}'; printf 'netlink receive error No buffer space available (105)' >&2`,
    expected: { ok: false, reason: 'netlink_partial' },
  },
  {
    name: 'breaks off its dump behind a flood of harmless lines',
    script: `yes 'Failed to find cgroup2 mount' | head -n 50000 >&2; echo 'RTNETLINK answers: Resource busy' >&2`,
    expected: { ok: false, reason: 'netlink_partial', detail: 'RTNETLINK answers: Resource busy' },
  },
  {
    name: 'falls back to procfs and says so',
    script: `echo 'Cannot open netlink socket: Operation not permitted' >&2; echo '${ROW}'`,
    expected: { ok: false, reason: 'netlink_denied_fallback' },
  },
  {
    name: 'falls back to procfs without a word',
    script: `cat '${FIXTURES}/fallback-procfs.tanoe.txt'`,
    expected: { ok: false, reason: 'netlink_denied_fallback' },
  },
  {
    name: 'complains of something new',
    script: `echo 'something new' >&2; echo '${ROW}'`,
    expected: { ok: true, rows: 1, degraded: { reason: 'stderr', detail: 'something new' } },
  },
  {
    name: 'closes its output and goes on',
    script: `echo '${ROW}'; exec >&-; sleep 0.02`,
    expected: { ok: true, rows: 1 },
  },
  {
    name: 'closes its output and hangs',
    script: `echo '${ROW}'; exec >&- 2>&-; exec sleep 60`,
    options: { timeoutMs: 40 },
    expected: TIMEOUT,
  },
  {
    // The helper ends what ss leaves behind. Without one the pipe has no end, and nothing tells that no row is missing.
    name: 'leaves a child behind that holds the pipe',
    script: `echo '${ROW}'; sleep 0.3 & exit 0`,
    options: { timeoutMs: 100 },
    expected: { ok: true, rows: 1 },
    direct: TIMEOUT,
  },
  {
    name: 'is not executable',
    script: `echo '${ROW}'`,
    mode: 0o644,
    expected: { ok: false, reason: 'eacces' },
  },
  {
    name: 'is made for an interpreter that is missing',
    script: '#!/nonexistent',
    expected: { ok: false, reason: 'enoent' },
  },
];

/** Faults that take their time: floods, and what has to be killed. */
export const SLOW_FAULTS: readonly FakeFault[] = [
  {
    name: 'floods stderr with 100 MB of different lines',
    script: `seq 1 12500000 >&2; echo '${ROW}'`,
    expected: { ok: true, rows: 1, degraded: { reason: 'stderr' } },
  },
  {
    name: 'floods stderr with 100 MB without a newline',
    script: `head -c 100000000 /dev/zero | tr '\\0' x >&2; echo '${ROW}'`,
    expected: { ok: true, rows: 1, degraded: { reason: 'stderr' } },
  },
  {
    name: 'prints 200 MB of garbage',
    script: 'yes nonsense | head -c 200000000',
    expected: { ok: false, reason: 'parse_ratio' },
  },
  {
    name: 'prints 200 MB without a newline',
    script: `head -c 200000000 /dev/zero | tr '\\0' x`,
    expected: { ok: false, reason: 'parse_ratio' },
  },
  {
    name: 'prints 200 MB of blank lines',
    script: `yes '' | head -c 200000000`,
    expected: { ok: false, reason: 'parse_ratio' },
  },
  {
    name: 'prints rows for ever',
    script: `yes '${ROW}'`,
    options: { timeoutMs: 300 },
    expected: TIMEOUT,
  },
  {
    name: 'hangs and ignores SIGTERM',
    script: `trap '' TERM; while :; do sleep 60; done`,
    options: { timeoutMs: 100 },
    expected: TIMEOUT,
  },
];

/** A folder of fakes. */
export class FakeFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'finwait-ss-'));
  #count = 0;

  /** Writes a program in place of ss, and returns its path. Everything it starts can be told by {@link running}. */
  write(script: string, mode = 0o755): string {
    const path = join(this.path, `ss-${++this.#count}`);
    this.replace(path, script, mode);
    return path;
  }

  /** Puts another program in its place, as a package manager does: whoever runs the old one still has it. */
  replace(path: string, script: string, mode = 0o755): void {
    const next = `${path}.new`;
    const interpreter = script.startsWith('#!') ? '' : `#!/bin/sh\nexport FAKE_SS='${this.path}'\n`;
    writeFileSync(next, `${interpreter}${script}\n`);
    chmodSync(next, mode);
    renameSync(next, path);
  }

  /** The programs of this folder, and what they have started, that have not ended. */
  running(): ProcessInfo[] {
    return processes().filter(
      ({ state, command, environment }) =>
        state !== 'Z' && (command.includes(this.path) || environment.includes(this.path)),
    );
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
