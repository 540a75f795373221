import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { expect, it } from 'vitest';
import { parseSocketLink, readOwnSockets, readSocketInode } from '../../../src/kernel/procfs/inode.ts';
import { buildLibrary } from '../../support/child.ts';
import { testWith } from '../../support/tools.ts';

it.each([
  ['socket:[48213]', 48213],
  ['socket:[4026531840]', 4026531840],
  ['pipe:[48213]', 0],
  ['/dev/null', 0],
  ['socket:[]', 0],
  ['anon_inode:[eventpoll]', 0],
])('the link %s names the inode %i', (link, inode) => {
  expect(parseSocketLink(link)).toBe(inode);
});

it('a descriptor that is not open has none', () => {
  expect(readSocketInode(1_000_000)).toBe(0);
});

it.runIf(process.platform === 'linux')('a listening socket has one, and is found by it', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const inode = readSocketInode(fd);
  expect(inode).toBeGreaterThan(0);
  expect(readOwnSockets()?.get(inode)).toBe(fd);
  await new Promise((resolve) => server.close(resolve));
});

testWith('prlimit', 'when all descriptors are in use our sockets are unknown, not none', () => {
  const library = buildLibrary();
  try {
    const program = `
      import { closeSync, openSync } from 'node:fs';
      import net from 'node:net';
      import { readOwnSockets } from '${library.folder}/kernel/procfs/inode.js';
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const { fd } = server._handle;
        const opened = [];
        try { for (;;) opened.push(openSync('/dev/null')); } catch {}
        const without = readOwnSockets() === undefined;
        closeSync(opened.pop());
        const again = [...readOwnSockets().values()].includes(fd);
        console.log(JSON.stringify({ without, again }));
        server.close();
      });`;
    const parameters = ['--nofile=64', process.execPath, '--input-type=module', '-e', program];
    const output = execFileSync('prlimit', parameters, { encoding: 'utf8', timeout: 10_000 });
    expect(JSON.parse(output)).toEqual({ without: true, again: true });
  } finally {
    library.remove();
  }
});
