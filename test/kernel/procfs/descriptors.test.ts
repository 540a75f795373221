import { closeSync, openSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DescriptorReader, parseDescriptorLimit } from '../../../src/kernel/procfs/descriptors.ts';

describe.skipIf(process.platform !== 'linux')('the number of open descriptors', () => {
  it.each([
    ['as this kernel tells it', {}],
    ['as a kernel before 6.2 makes us count it', { countByStat: () => 0 }],
  ])('moves with what is opened, %s', async (_how, options) => {
    const reader = new DescriptorReader(options);
    const before = (await reader.read()).open as number;
    const opened = Array.from({ length: 700 }, () => openSync('/dev/null', 'r'));
    const after = (await reader.read()).open as number;
    // readdir's own descriptor is in its list.
    const listed = readdirSync('/proc/self/fd').length - 1;
    for (const fd of opened) closeSync(fd);
    reader.close();
    // The test's own runner opens and closes a few meanwhile.
    expect(Math.abs(after - before - 700)).toBeLessThan(20);
    expect(Math.abs(after - listed)).toBeLessThan(20);
  });

  it('has the soft limit of this process beside it', async () => {
    const reader = new DescriptorReader();
    const { open, limit } = await reader.read();
    expect(limit).toBeGreaterThan(open as number);
    reader.close();
    expect((await reader.read()).limit).toBeUndefined();
  });
});

describe('the limit of descriptors', () => {
  const text = (soft: string): string =>
    `Limit                     Soft Limit           Hard Limit           Units     \n${'Max open files'.padEnd(26)}${soft.padEnd(21)}20000                files     \n`;

  it('is the soft one', () => {
    expect(parseDescriptorLimit(text('1024'))).toBe(1024);
  });

  it('may be none', () => {
    expect(parseDescriptorLimit(text('unlimited'))).toBe(Number.POSITIVE_INFINITY);
  });

  it('is unknown where the text has none', () => {
    expect(parseDescriptorLimit('')).toBeUndefined();
    expect(parseDescriptorLimit(text('soon'))).toBeUndefined();
  });
});
