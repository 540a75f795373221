import net from 'node:net';
import { expect, it } from 'vitest';
import { parseSocketLink, readSocketInode } from '../../../src/kernel/procfs/inode.ts';

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

it.runIf(process.platform === 'linux')('a listening socket has one', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  expect(readSocketInode(fd)).toBeGreaterThan(0);
  await new Promise((resolve) => server.close(resolve));
});
