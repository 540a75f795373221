// The clients that services use, unmodified, against the servers that they use them with.
import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltLibrary, buildLibrary } from '../support/child.ts';
import { type Moment, tellStory } from '../support/client-story.ts';
import { ROOT } from '../support/packed-package.ts';
import { createUpstreams, type Upstreams } from '../support/upstream-servers.ts';
import { PACKAGES, STORIES, type Story } from './stories.ts';

const CLIENTS = process.env['FINWAIT_CLIENTS'] ?? '';
const STORY_MS = 45_000;

describe('open connections of an upstream are the ESTABLISHED rows of ss, at every rest point', () => {
  const missing = whatIsMissing();
  let library: BuiltLibrary;
  let upstreams: Upstreams;

  beforeAll(() => {
    library = buildLibrary();
    // register takes prom-client from there where the program has none.
    symlinkSync(join(ROOT, 'node_modules'), join(library.folder, 'node_modules'));
    upstreams = createUpstreams();
  });
  afterAll(async () => {
    library.remove();
    await upstreams.remove();
  });

  for (const story of STORIES.filter(runsHere)) {
    const door = story.registered === true ? ', with --import finwait/register' : '';
    const title = `${story.client}${door}${missing === undefined ? '' : ` (needs ${missing})`}`;
    if (missing !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] !== '1') test.skip(title, () => undefined);
    else test(title, () => hold(story), STORY_MS);
  }

  async function hold(story: Story): Promise<void> {
    expect(missing).toBeUndefined();
    const server = await story.server(upstreams);
    const behind = await story.behind?.(upstreams);
    await behind?.start();
    try {
      const words = [upstreams.ca, ...story.words, ...(behind === undefined ? [] : [`${behind.port}`])];
      const flags = story.registered === true ? ['--import', join(library.folder, 'register.js')] : [];
      const env = {
        STORY_DIST: library.folder,
        STORY_CLIENTS: CLIENTS,
        FINWAIT_PORT: '0',
        FINWAIT_SAMPLE_INTERVAL_MS: '3600000',
        NODE_EXTRA_CA_CERTS: upstreams.ca,
      };
      const moments = await tellStory(story.program, words, server, flags, env);
      expectSame(moments, `localhost:${server.port}`, story.registered === true);
      expectTold(moments, ['fin']);
    } finally {
      await behind?.stop('SIGKILL');
    }
  }
});

/** Everything finwait says at each rest point, beside what ss showed. */
function expectSame(moments: readonly Moment[], name: string, isScraped: boolean): void {
  const said = moments.map(({ title, open, scraped, kernel, node, pending, unbalanced, defects }) => {
    // Some clients try again and again while the server is down.
    const established = node[name]?.['established'] ?? 0;
    return { title, open, scraped, established, kernel, pending: isDown(title) ? 0 : pending, unbalanced, defects };
  });
  const shown = moments.map(({ title, connections, rows, owned }) => ({
    title,
    open: { [name]: owned },
    scraped: isScraped ? { [name]: owned } : undefined,
    established: connections,
    kernel: Object.keys(rows).length === 0 ? {} : { [name]: rows },
    pending: 0,
    unbalanced: [],
    defects: [],
  }));
  expect(said).toEqual(shown);
}

/** The story was told: connections came, went with the server, were refused, and came back; and nothing else happened. */
function expectTold(moments: readonly Moment[], inOrder: readonly string[]): void {
  const down = moments.findIndex(({ title }) => isDown(title));
  const back = moments[down + 1];
  const last = moments.at(-1);
  expect(moments.length).toBeGreaterThanOrEqual(7);
  expect(moments[down]?.connections).toBe(0);
  expect(back?.connections).toBeGreaterThan(1);
  // A pool that changes and a server that is restarted at rest end connections in order.
  expect({ failed: keysBeside(back?.failures, ['refused']), closed: keysBeside(back?.closed, inOrder) }).toEqual(NONE);
  expect(back?.failures['refused']).toBeGreaterThan(0);
  // One that is killed under load resets what it has not read, and breaks off TLS handshakes.
  const failed = keysBeside(last?.failures, ['refused', 'reset', 'tls']);
  expect({ failed, closed: keysBeside(last?.closed, ['fin', 'reset', 'error']) }).toEqual(NONE);
}

const NONE = { failed: [], closed: [] };

function keysBeside(counts: Readonly<Record<string, number>> = {}, known: readonly string[]): string[] {
  return Object.keys(counts).filter((key) => !known.includes(key));
}

function isDown(title: string): boolean {
  return title.endsWith('is down');
}

function runsHere({ since: [major, minor] = [0, 0] }: Story): boolean {
  const [ours = 0, ourMinor = 0] = process.versions.node.split('.').map(Number);
  return ours > major || (ours === major && ourMinor >= minor);
}

/** What a machine needs to run any of it; undefined where it has it all. */
function whatIsMissing(): string | undefined {
  const packages = PACKAGES.filter((name) => !existsSync(join(CLIENTS, 'node_modules', name)));
  if (CLIENTS === '' || packages.length > 0) return `${packages.join(', ')} in FINWAIT_CLIENTS`;
  const look = 'command -v ss >/dev/null && command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/initdb';
  return spawnSync('sh', ['-c', look]).status === 0 ? undefined : 'ss, redis-server and PostgreSQL';
}
