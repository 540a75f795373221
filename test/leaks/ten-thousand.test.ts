// Ten thousand leaking sockets: found with the first table after they are due, and the event loop hardly notices.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { judge } from '../support/leak-judge.ts';
import { heard, type ScenePorts, startHost } from '../support/leak-scene.ts';
import { testWith } from '../support/tools.ts';

const SOCKETS = 10_000;
/** How long opening and finding them may take on a busy machine. */
const DEADLINE_MS = 45_000;

interface Found {
  readonly ok: boolean;
  /** What the sample says itself. */
  readonly blockedMs: number;
  /** The longest turn of the event loop, and the longest time from one to the next. */
  readonly turnMs: number;
  readonly gapMs: number;
  readonly leaksMs: number;
  readonly sockets: number;
  readonly groups: number;
  readonly text: string;
}

describe('ten thousand leaking sockets', () => {
  let library: BuiltLibrary;
  beforeAll(() => {
    library = buildLibrary();
  });
  afterAll(() => library.remove());

  testWith(
    'ss && command -v prlimit && command -v nsenter && command -v ip && unshare -rnm true',
    'are reported with the first table after they are due, in many short turns',
    async () => {
      const options = { sampleIntervalMs: 3_600_000, leakAfterMs: { close_wait: 1_000 } };
      const how = { library: library.folder, options, sockets: SOCKETS, descriptors: 2 * SOCKETS, isNamespaced: true };
      const host = startHost('crowd', 'net server', how);
      try {
        await heard(host, 'ready', DEADLINE_MS);
        const { server = 0 } = await heard<ScenePorts>(host, 'leaking');
        const rows = await judge(host.pid, [server], true);
        const inCloseWait = rows.filter(({ localPort, state }) => localPort === server && state === 'CLOSE-WAIT');
        expect(inCloseWait.length).toBe(SOCKETS);
        const { text, ...found } = await heard<Found>(host, 'found');
        console.log(`${SOCKETS} leaking sockets:`, found, `${text.length} characters\n${text}`);
        expect(found).toMatchObject({ ok: true, sockets: SOCKETS, groups: 1 });
        // In slices: each turn is a small part of the work. How long that is depends on who else wants a processor: 5 ms
        // on an idle machine. To ask is nothing beside the sample.
        expect(found.turnMs).toBeLessThan(found.blockedMs / 3);
        expect(found.leaksMs).toBeLessThan(found.blockedMs / 3);
        expect(text.length).toBeLessThan(4_096);
      } finally {
        await host.end();
      }
    },
    DEADLINE_MS + 10_000,
  );
});
