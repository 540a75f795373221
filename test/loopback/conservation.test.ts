import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltLibrary, buildLibrary, run } from '../support/child.ts';

interface NameBooks {
  readonly side: string;
  readonly name: string;
  readonly opened: number;
  readonly adopted: number;
  readonly closed: number;
  readonly released: number;
  readonly open: number;
  readonly abandoned: number;
  readonly node: Readonly<Record<string, number>>;
}

interface Books {
  readonly names: readonly NameBooks[];
  readonly illegal: readonly unknown[];
  readonly records: number;
  readonly tuples: number;
}

const HEAP_BOUND_BYTES = 1_000_000;

describe('for every side and name, opened + adopted = closed + released + open', () => {
  let library: BuiltLibrary;

  beforeAll(() => {
    library = buildLibrary();
  });
  afterAll(() => library.remove());

  async function books<T extends object>(phase: string, connections: number): Promise<Books & T> {
    const ended = await run('conservation.mjs', {
      args: [phase, String(connections)],
      flags: ['--expose-gc'],
      env: { FINWAIT_DIST: library.folder },
      deadlineMs: 60_000,
    });
    expect({ code: ended.code, signal: ended.signal, stderr: ended.stderr }).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
    return JSON.parse(ended.stdout);
  }

  function expectBalanced({ names }: Books): void {
    const unbalanced = names.filter((of) => of.opened + of.adopted !== of.closed + of.released + of.open);
    expect(unbalanced).toEqual([]);
  }

  /** Nothing is open, nothing is left behind, and nothing happened that the machine does not allow. */
  function expectEmpty(after: Books): void {
    expectBalanced(after);
    const { illegal, records, tuples } = after;
    expect({ illegal, records, tuples }).toEqual({ illegal: [], records: 0, tuples: 0 });
    for (const { side, name, open, node } of after.names) {
      const shown = Object.entries(node).filter(([, count]) => count !== 0);
      expect({ side, name, open, shown }).toEqual({ side, name, open: 0, shown: [] });
    }
  }

  test('after 20,000 connections that were ended, half-closed, reset, refused, destroyed or left unread', async () => {
    const after = await books<{ before: number; after: number; sampled: boolean }>('mixed', 20_000);
    expectEmpty(after);
    // Every twentieth connection is of one kind, and two of the twenty are refused.
    const opened = (side: string): number =>
      after.names.filter((of) => of.side === side).reduce((sum, of) => sum + of.opened, 0);
    expect({ server: opened('server'), client: opened('client') }).toEqual({ server: 18_000, client: 18_000 });
    expect(after.after - after.before).toBeLessThan(HEAP_BOUND_BYTES);
  }, 70_000);

  test('after 2,000 accepted sockets were sent to another process, which count as released', async () => {
    const after = await books<{ released: Books }>('sent', 2_000);
    expectBalanced(after.released);
    const [server, client] = after.released.names;
    expect(server).toMatchObject({ side: 'server', opened: 2_000, released: 2_000, closed: 0, open: 0 });
    expect(client).toMatchObject({ side: 'client', opened: 2_000, released: 0, closed: 0, open: 2_000 });
    expectEmpty(after);
  }, 70_000);

  test('after 2,000 sockets were dropped to the garbage collector, which count as abandoned', async () => {
    const after = await books('dropped', 2_000);
    expectEmpty(after);
    expect(after.names).toMatchObject([
      { side: 'client', opened: 2_000, closed: 2_000, abandoned: 2_000, released: 0 },
    ]);
  }, 70_000);
});
