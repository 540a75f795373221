import { execFileSync, spawn } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, open, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcFile } from '../../../src/kernel/procfs/proc-file.ts';
import { judgeReadError } from '../../../src/kernel/procfs/procfs-failure.ts';
import {
  type ProcfsRead,
  type ReadProcfsOptions,
  readProcfs,
  TcpTables,
} from '../../../src/kernel/procfs/read-procfs.ts';
import { testWith } from '../../support/tools.ts';
import { until } from '../../support/wait.ts';

const FIXTURE = fileURLToPath(new URL('../../fixtures/proc', import.meta.url));
const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

let folder: string;
let roots = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'finwait-procfs-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tables of procfs', () => {
  it('are read, both of them, and what that cost', async () => {
    const { read, rows } = await run(FIXTURE);
    expect(read).toEqual({
      ok: true,
      rows: 62,
      duplicates: 0,
      unparsed: 0,
      durationMs: expect.any(Number),
      blockedMs: expect.any(Number),
      longestBlockMs: expect.any(Number),
    });
    expect(rows).toBe(62);
    expect(read.blockedMs).toBeGreaterThan(0);
    expect(read.blockedMs).toBeGreaterThanOrEqual(read.longestBlockMs);
    expect(read.durationMs).toBeGreaterThanOrEqual(read.blockedMs);
  });

  it('are read again from the same open files', async () => {
    const root = table({ tcp: [row(1)], tcp6: [] });
    const tables = new TcpTables(root);
    expect((await run(root, { tables })).read).toMatchObject({ ok: true, rows: 1 });
    writeFileSync(join(root, 'net/tcp'), `${[HEADER, row(1), row(2)].join('\n')}\n`);
    expect((await run(root, { tables })).read).toMatchObject({ ok: true, rows: 2 });
    tables.close();
    expect((await run(root, { tables })).read).toMatchObject({ ok: false, reason: 'read_failed' });
  });

  it('are whole without tcp6: IPv6 may be switched off', async () => {
    expect((await run(table({ tcp: [row(1), row(2)] }))).read).toMatchObject({ ok: true, rows: 2 });
  });

  it('may have no sockets', async () => {
    expect((await run(table({ tcp: [], tcp6: [] }))).read).toMatchObject({ ok: true, rows: 0 });
  });

  it('may show a row twice, which then counts once', async () => {
    const { read } = await run(table({ tcp: [row(1), row(2), row(1)], tcp6: [] }));
    expect(read).toMatchObject({ ok: true, rows: 2, duplicates: 1 });
  });

  it('are read in slices however long they are, and others have their turn in between', async () => {
    const tcp = Array.from({ length: 60_000 }, (_, index) => row(index));
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    // 64 KiB, which a plain file gives at a time, are more than 2 ms then.
    const onRow = (): void => {
      const until = performance.now() + 0.005;
      while (performance.now() < until);
    };
    const { read } = await run(table({ tcp, tcp6: [] }), { onRow });
    clearInterval(counting);
    expect(read).toMatchObject({ ok: true, rows: 60_000 });
    expect(turns).toBeGreaterThan(60);
    expect(read.longestBlockMs).toBeLessThan(read.blockedMs / 3);
  });

  testWith('mkfifo', 'are read when the host has taken all threads of the pool', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Opening a pipe for reading takes until somebody writes; libuv has four threads unless it is told otherwise.
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
    const opening = Array.from({ length: threads }, () => promisify(open)(pipe, 'r'));
    const tables = new TcpTables(FIXTURE);
    const { read } = await run('', { tables });
    const writer = openSync(pipe, 'r+');
    for (const fd of [writer, ...(await Promise.all(opening))]) closeSync(fd);
    tables.close();
    expect(read).toMatchObject({ ok: true, rows: 62 });
    expect(read.durationMs).toBeGreaterThan(49);
    expect((await run(FIXTURE)).read).toMatchObject({ ok: true, rows: 62 });
  });

  it('are asked for once where no thread answers, and read on this one', async () => {
    let asked = 0;
    class Unanswered extends ProcFile {
      override readOffThread(): Promise<number> {
        asked++;
        return new Promise(() => {});
      }
    }
    const tcp = new Unanswered(join(FIXTURE, 'net/tcp'));
    const tcp6 = new Unanswered(join(FIXTURE, 'net/tcp6'));
    const read = await run('', { tables: { tcp, tcp6, close: () => {} } });
    expect(read).toMatchObject({ read: { ok: true, rows: 62 }, rows: 62 });
    expect(asked).toBe(1);
    tcp.close();
    tcp6.close();
  });

  it('are degraded by one bad line in a hundred', async () => {
    const tcp = Array.from({ length: 99 }, (_, index) => row(index));
    expect((await run(table({ tcp: [...tcp, 'bad line'], tcp6: [] }))).read).toMatchObject({
      ok: true,
      rows: 99,
      unparsed: 1,
      degraded: { reason: 'unparsed', detail: '1 of 100 lines, such as: bad line' },
    });
  });
});

describe('reading procfs fails', () => {
  it('as procfs_missing without /proc/net/tcp, whether or not there is a tcp6', async () => {
    for (const root of ['/nonexistent', table({ tcp6: [] }), table({})]) {
      const { read } = await run(root);
      expect(read).toMatchObject({ ok: false, reason: 'procfs_missing', detail: `ENOENT: ${root}/net/tcp` });
    }
  });

  it.each([
    ['ENOENT', 'procfs_missing'],
    ['ENOTDIR', 'procfs_missing'],
    ['EACCES', 'eacces'],
    ['EPERM', 'eacces'],
    ['ERR_ACCESS_DENIED', 'eacces'],
    ['EMFILE', 'read_failed'],
    ['EIO', 'read_failed'],
    [undefined, 'read_failed'],
  ])('with %s as %s', (code, reason) => {
    expect(judgeReadError(code)).toBe(reason);
  });

  it('as read_failed where it is no file, be it tcp6 only: a dual-stack server is in there', async () => {
    const root = table({ tcp: [row(1)] });
    mkdirSync(join(root, 'net/tcp6'));
    expect((await run(root)).read).toMatchObject({
      ok: false,
      reason: 'read_failed',
      detail: `EISDIR: ${root}/net/tcp6`,
    });
  });

  it('as parse_ratio where a file has not the kernel’s columns', async () => {
    const tcp = Array.from({ length: 1000 }, (_, index) => row(index));
    const root = table({ tcp, tcp6: [] });
    writeFileSync(join(root, 'net/tcp6'), 'something else\n');
    expect((await run(root)).read).toMatchObject({
      ok: false,
      reason: 'parse_ratio',
      detail: '1 of 1001 lines, such as: something else',
    });
    writeFileSync(join(root, 'net/tcp6'), '');
    expect((await run(root)).read).toMatchObject({ ok: false, reason: 'parse_ratio', detail: 'no header' });
  });

  it('as parse_ratio where too many lines are no rows', async () => {
    expect((await run(table({ tcp: [row(1), 'x'], tcp6: [] }))).read).toMatchObject({
      ok: false,
      reason: 'parse_ratio',
    });
  });

  it('as truncated where a file ends inside a line', async () => {
    const root = table({ tcp: [row(1)], tcp6: [] });
    writeFileSync(join(root, 'net/tcp'), `${HEADER}\n${row(1)}\n${row(2)}`);
    expect((await run(root)).read).toMatchObject({ ok: false, reason: 'truncated', detail: 'cut off after 1 rows' });
  });

  it('as empty_suspect where there are no rows but sockets', async () => {
    const root = table({ tcp: [], tcp6: [] });
    expect((await run(root, { expectedRows: 7 })).read).toMatchObject({ ok: false, reason: 'empty_suspect' });
    expect((await run(FIXTURE, { expectedRows: 7 })).read).toMatchObject({ ok: true });
  });

  it('as timeout where it takes too long, and no row comes after that', async () => {
    const root = table({ tcp: Array.from({ length: 60_000 }, (_, index) => row(index)), tcp6: [] });
    let rows = 0;
    const { read } = await run(root, { timeoutMs: 1, onRow: () => rows++ });
    expect(read).toMatchObject({ ok: false, reason: 'timeout', detail: 'no end after 1 ms' });
    const then = rows;
    expect(then).toBeLessThan(60_000);
    expect((await run(root)).read).toMatchObject({ ok: true, rows: 60_000 });
    expect(rows).toBe(then);
  });

  it('as aborted where the caller gives it up, before or meanwhile', async () => {
    const root = table({ tcp: Array.from({ length: 60_000 }, (_, index) => row(index)), tcp6: [] });
    const before = await run(root, { signal: AbortSignal.abort() });
    expect(before.read).toMatchObject({ ok: false, reason: 'aborted' });
    expect(before.rows).toBe(0);
    const tables = new TcpTables(root);
    for (const last of [1, 20_000]) {
      const abort = new AbortController();
      let rows = 0;
      const onRow = (): void => {
        if (++rows === last) abort.abort();
      };
      const { read } = await run(root, { tables, signal: abort.signal, onRow });
      expect(read).toMatchObject({ ok: false, reason: 'aborted' });
      const then = rows;
      expect((await run(root)).read).toMatchObject({ ok: true, rows: 60_000 });
      expect(rows).toBe(then);
    }
    tables.close();
  });

  it('as consumer_threw where the caller throws, once', async () => {
    let calls = 0;
    const onRow = (): void => {
      calls++;
      throw new Error('no room');
    };
    const { read } = await run(FIXTURE, { onRow });
    expect(read).toMatchObject({ ok: false, reason: 'consumer_threw', detail: 'no room' });
    expect(calls).toBe(1);
  });
});

describe.skipIf(process.platform !== 'linux')('a thousand reads', () => {
  it('that fail and that do not leave no descriptor and no listener behind', async () => {
    const tables = new TcpTables(FIXTURE);
    const bad = new TcpTables(table({ tcp: [row(1), 'x'], tcp6: [] }));
    const abort = new AbortController();
    const listeners = (): number => getEventListeners(abort.signal, 'abort').length;
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 500; round++) {
      expect((await run('', { tables, signal: abort.signal })).read.ok).toBe(true);
      expect((await run('', { tables: bad, signal: abort.signal })).read.ok).toBe(false);
    }
    expect(listeners()).toBe(0);
    // The test's own runner opens and closes a few meanwhile.
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThan(20);
    tables.close();
    bad.close();
  });
});

describe('a process', () => {
  it('with nothing else to do ends without waiting for the table', async () => {
    expect(await host(false)).toBe('');
  });

  it('that asks for it stays until the table is read', async () => {
    expect(await host(true)).toBe('true');
  });
});

/** A /proc with these rows; a table that is not given does not exist. */
function table(rows: { readonly tcp?: readonly string[]; readonly tcp6?: readonly string[] }): string {
  const root = join(folder, `proc-${++roots}`);
  mkdirSync(join(root, 'net'), { recursive: true });
  for (const [name, lines] of Object.entries(rows)) {
    writeFileSync(join(root, 'net', name), `${[HEADER, ...lines].join('\n')}\n`);
  }
  return root;
}

function row(number: number): string {
  const peer = (0x0a000000 + (number >>> 4)).toString(16).toUpperCase().padStart(8, '0');
  const port = (number & 15).toString(16).toUpperCase().padStart(4, '0');
  return `${String(number).padStart(4)}: 0100007F:1F48 ${peer}:${port} 01 00000000:00000000 00:00000000 00000000     0        0 ${number} 1 0000000000000000 20 0 0 10 -1`;
}

async function run(
  root: string,
  options: Partial<ReadProcfsOptions> = {},
): Promise<{ read: ProcfsRead; rows: number }> {
  let rows = 0;
  const onRow = (): void => {
    rows++;
  };
  const tables = options.tables ?? new TcpTables(root);
  const read = await readProcfs({ tables, timeoutMs: 20_000, onRow, keepAlive: true, ...options });
  if (options.tables === undefined) tables.close();
  return { read, rows };
}

/** What a process prints that does nothing but read a long table. */
async function host(keepAlive: boolean): Promise<string> {
  const reader = new URL('../../../src/kernel/procfs/read-procfs.ts', import.meta.url);
  const root = table({ tcp: Array.from({ length: 20_000 }, (_, index) => row(index)), tcp6: [] });
  const program = join(folder, 'host.mjs');
  writeFileSync(
    program,
    `import { readProcfs, TcpTables } from '${reader}';\n` +
      `const options = { timeoutMs: 60_000, onRow() {}, keepAlive: ${keepAlive}, tables: new TcpTables('${root}') };\n` +
      'void readProcfs(options).then((read) => process.stdout.write(String(read.ok)));\n',
  );
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let ended = false;
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.on('close', () => {
    ended = true;
  });
  await until(
    () => ended,
    () => 'the process has ended',
  );
  return output;
}
