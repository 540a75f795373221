import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { DescriptorReader } from '../../../src/kernel/procfs/descriptors.ts';
import { readProcessDescriptors } from '../../../src/kernel/procfs/process-descriptors.ts';
import { findSocketOwners, readSocketInodes } from '../../../src/kernel/procfs/process-sockets.ts';
import { CleanUps } from '../../support/clean-ups.ts';
import { inodeOfListener } from '../../support/listener-inode.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test('a listener is found in the process that holds it, and in no other', async () => {
  const inode = inodeOfListener(await cleanUps.serve(createServer()));
  expect(readSocketInodes(process.pid)?.has(inode)).toBe(true);
  expect(findSocketOwners(new Set([inode])).pids).toEqual([process.pid]);
  expect(findSocketOwners(new Set([1])).pids).toEqual([]);
});

test('a process that is not there holds nothing that could be told', () => {
  expect(readSocketInodes(0)).toBeUndefined();
  expect(readProcessDescriptors(0)).toEqual({ open: undefined, limit: undefined });
});

test('descriptors of any process are counted as our own are', async () => {
  const reader = new DescriptorReader();
  const own = await reader.read();
  reader.close();
  // The reader's own file is closed again.
  expect(readProcessDescriptors(process.pid)).toEqual({ open: (own.open ?? 0) - 1, limit: own.limit });
});
