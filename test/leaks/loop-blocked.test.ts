// The table is read while the event loop is blocked: FINs are unread and clients wait, and neither is what it seems.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { judge } from '../support/leak-judge.ts';
import { askLeaks, askVerdicts, heard, type ScenePorts, startHost } from '../support/leak-scene.ts';
import { createSlowSs, type SlowSs } from '../support/slow-ss.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const SOCKETS = 5;
describe('an event loop that is blocked', () => {
  let library: BuiltLibrary;
  let slowSs: SlowSs;
  beforeAll(() => {
    library = buildLibrary();
  });
  afterAll(() => library.remove());
  beforeEach(() => {
    slowSs = createSlowSs();
  });
  afterEach(() => slowSs.remove());

  testWith('ss', 'leaves FINs unread: CLOSE_WAIT in the kernel, for that cause, and no leak', async () => {
    const options = { sampleIntervalMs: 3_600_000, ssPath: slowSs.path };
    const how = { library: library.folder, options, env: { SLOW_SS_FOLDER: slowSs.folder }, sockets: SOCKETS };
    const host = startHost('blocked', 'FINs while the loop is blocked', how);
    try {
      const { server = 0 } = await heard<ScenePorts>(host, 'blocked');
      const unread = async (): Promise<number> => {
        const rows = await judge(host.pid, [server], false);
        return rows.filter(
          ({ localPort, state, receiveQueue }) => localPort === server && state === 'CLOSE-WAIT' && receiveQueue === 1,
        ).length;
      };
      let inCloseWait = 0;
      await until(
        async () => {
          inCloseWait = await unread();
          return inCloseWait === SOCKETS;
        },
        () => `${SOCKETS} rows in CLOSE_WAIT with an unread FIN, ${inCloseWait} seen`,
      );
      slowSs.go();
      await heard(host, 'ready');
      const { report } = await askLeaks(host, 'newest');
      expect(report).toMatchObject({ sockets: 0, groups: [], closeWait: { loop_blocked: SOCKETS } });
      expect(Object.values(report.closeWait).reduce((sum, count) => sum + count)).toBe(SOCKETS);
      expect(Object.values(report.divergent).filter((count) => count > 0)).toEqual([]);
      // The loop turns again, and answers every FIN.
      await until(
        async () => (await unread()) === 0,
        () => 'none in CLOSE_WAIT',
      );
    } finally {
      await host.end();
    }
  });

  testWith('ss', 'keeps clients waiting in the accept queue: its verdict is the loop, not the backlog', async () => {
    const host = startHost('blocked', 'clients while the loop is blocked', {
      library: library.folder,
      options: { sampleIntervalMs: 3_600_000, ssPath: slowSs.path },
      env: { SLOW_SS_FOLDER: slowSs.folder },
      sockets: SOCKETS,
    });
    try {
      const { server = 0 } = await heard<ScenePorts>(host, 'blocked');
      await until(
        async () => (await acceptQueueOf(server)) === SOCKETS,
        () => `${SOCKETS} connections that wait`,
      );
      slowSs.go();
      await heard(host, 'ready');
      const [verdict] = await askVerdicts(host);
      expect(verdict).toMatchObject({
        kind: 'accept_queue_full',
        name: String(server),
        evidence: { connections: SOCKETS, limit: SOCKETS },
      });
      expect(verdict?.sentence).toContain('the event loop did nothing else than one piece of work for at least');
      expect(verdict?.evidence['loopBlockedMs']).toBeGreaterThan(200);
    } finally {
      await host.end();
    }
  });
});

/** Recv-Q of a listener, as ss says. */
async function acceptQueueOf(port: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ss', ['-Hltn', `sport = :${port}`]);
  return Number(stdout.split(/\s+/)[1]);
}
