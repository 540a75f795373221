// FINs arrive while the event loop is blocked, and a table is read meanwhile: no leak, and no finding once the loop turns.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { judge } from '../support/leak-judge.ts';
import { askLeaks, HAS_FINDER, heard, type ScenePorts, startHost } from '../support/leak-scene.ts';
import { testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const SOCKETS = 5;
/** Half as long as the loop is blocked: ss reads the table right in the middle. */
const SLOW_SS = `#!/bin/sh
if [ -e "\${0%/*}/slow" ]; then
  : >"\${0%/*}/started"
  sleep 0.45
fi
exec ss "$@"
`;

describe('FINs that arrive while the loop is blocked', () => {
  let library: BuiltLibrary;
  let folder = '';
  beforeAll(() => {
    library = buildLibrary();
    folder = mkdtempSync(join(tmpdir(), 'finwait-leaks-'));
    writeFileSync(join(folder, 'slow-ss'), SLOW_SS);
    chmodSync(join(folder, 'slow-ss'), 0o755);
  });
  afterAll(() => {
    library.remove();
    rmSync(folder, { recursive: true });
  });

  testWith('ss', 'are CLOSE_WAIT in the kernel, have that cause, and leak nothing', async () => {
    const options = { sampleIntervalMs: 3_600_000, ssPath: join(folder, 'slow-ss') };
    const how = { library: library.folder, options, env: { LEAK_FOLDER: folder }, sockets: SOCKETS };
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
      await heard(host, 'ready');
      if (HAS_FINDER) {
        const { report } = await askLeaks(host, 'newest');
        expect(report).toMatchObject({ sockets: 0, groups: [], closeWait: { loop_blocked: SOCKETS } });
        expect(Object.values(report.closeWait).reduce((sum, count) => sum + count)).toBe(SOCKETS);
        expect(Object.values(report.divergent).filter((count) => count > 0)).toEqual([]);
      }
      // The loop turns again, and answers every FIN.
      await until(
        async () => (await unread()) === 0,
        () => 'none in CLOSE_WAIT',
      );
    } finally {
      await host.end();
    }
  });
});
