import { expect, it } from 'vitest';
import { netnsId, readNetns } from '../../../src/kernel/procfs/netns.ts';

it('a namespace has the same short name for every process in it', () => {
  expect(netnsId('boot-1', 'net:[4026531840]')).toBe(netnsId('boot-1', 'net:[4026531840]'));
  expect(netnsId('boot-1', 'net:[4026531840]')).toMatch(/^[0-9a-f]{8}$/);
});

it('another namespace, or the same number after a reboot, has another name', () => {
  const names = [
    netnsId('boot-1', 'net:[4026531840]'),
    netnsId('boot-1', 'net:[4026532008]'),
    netnsId('boot-2', 'net:[4026531840]'),
  ];
  expect(new Set(names).size).toBe(3);
});

it.runIf(process.platform === 'linux')('on Linux this process has one', () => {
  expect(readNetns()).toMatch(/^[0-9a-f]{8}$/);
  expect(readNetns()).toBe(readNetns());
});
