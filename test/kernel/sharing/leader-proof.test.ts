import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  doubtLeader,
  doubtStatus,
  listenerInode,
  readListenerInode,
} from '../../../src/kernel/sharing/leader-proof.ts';

const HEADER = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
const LISTENER = '0000000027e628c9: 00000002 00000000 00010000 0001 01 1551268 @mine\n';

describe('the listener under a name, in /proc/net/unix', () => {
  it.each([
    ['is there', LISTENER, 1551268],
    ['is the last line, cut off', LISTENER.trimEnd(), 1551268],
    ['is not there', '', 0],
    ['has a longer name', LISTENER.replace('@mine', '@mine-'), 0],
    ['has a name that ends so', LISTENER.replace('@mine', '@is @mine'), 0],
    ['has a path', LISTENER.replace('@mine', '/mine'), 0],
    ['does not listen', LISTENER.replace('00010000', '00000000'), 0],
    ['takes datagrams', LISTENER.replace(' 0001 ', ' 0002 '), 0],
    // Connections that were accepted bear the name of their listener.
    ['has connections', `${LISTENER.replace('00010000', '00000000').replace('1551268', '7')}${LISTENER}`, 1551268],
    // A name may hold a newline, and feign a line; a relative path may begin with '@'.
    ['seems to be there twice', `${LISTENER}${LISTENER.replace('1551268', '7')}`, 0],
  ])('%s', (_title, lines, inode) => {
    expect(listenerInode(`${HEADER}${lines}`, 'mine')).toBe(inode);
    expect(listenerInode(`${HEADER}0000000000000000: 00000003 00000000 00000000 0001 03 18\n${lines}`, 'mine')).toBe(
      inode,
    );
  });
});

describe('a status of /proc', () => {
  const status = 'Name:\tnode\nPid:\t12\nPPid:\t11\nTracerPid:\t0\nUid:\t7\t7\t7\t7\nGid:\t7\t7\t7\t7\n';
  it.each([
    ['a worker of ours', status, 12, 11, undefined],
    ['the primary itself', status, 12, 12, undefined],
    ['the child of somebody else', status, 12, 10, /not of this cluster/],
    ['a child whose real user is another', status.replace('Uid:\t7', 'Uid:\t8'), 12, 11, /another user/],
    ['a child whose effective user is another', status.replace('7\t7\t7\n', '8\t7\t7\n'), 12, 11, /another user/],
    ['a child without a user', status.replace('Uid', 'Xid'), 12, 11, /another user/],
    ['nothing', '', 12, 11, /not of this cluster/],
  ])('of %s', (_title, text, pid, primaryPid, doubt) => {
    const found = doubtStatus(text, pid, primaryPid, 7);
    if (doubt === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(doubt);
  });
});

describe.runIf(process.platform === 'linux')('a claim to listen under a name', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function listen(name: string): Promise<number> {
    server = createServer().listen({ path: `\0${name}` });
    await new Promise((resolve) => server?.once('listening', resolve));
    return (server as unknown as { _handle: { fd: number } })._handle.fd;
  }

  it('is believed of this process, by its descriptor and as the primary', async () => {
    const name = `finwait-test-${process.pid}`.padEnd(107, '-');
    expect(await readListenerInode(name)).toBe(0);
    const fd = await listen(name);
    const inode = await readListenerInode(name);
    expect(inode).toBeGreaterThan(0);
    const claim = { pid: process.pid, fd };
    expect(doubtLeader(claim, inode, process.pid)).toBeUndefined();
    expect(doubtLeader(claim, inode, process.ppid)).toBeUndefined();
    expect(doubtLeader(claim, inode, 1_000_000_000)).toMatch(/not of this cluster/);
    expect(doubtLeader(claim, inode + 1, process.pid)).toMatch(/does not hold/);
    expect(doubtLeader(claim, 0, process.pid)).toMatch(/does not hold/);
    expect(doubtLeader({ ...claim, fd: 0 }, inode, process.pid)).toMatch(/does not hold/);
    expect(doubtLeader({ ...claim, fd: -1 }, inode, process.pid)).toMatch(/cannot be looked into/);
    expect(doubtLeader({ pid: 0, fd }, inode, process.pid)).toMatch(/cannot be looked into/);
  });

  it('is not believed with the inode 0, which a descriptor that is no socket has too', () => {
    expect(doubtLeader({ pid: process.pid, fd: 1 }, 0, process.pid)).toMatch(/does not hold/);
  });
});
