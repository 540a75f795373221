import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { isGroupAlive, type Script, startScript } from '../support/script.ts';
import { run, testWith } from '../support/tools.ts';
import { until } from '../support/wait.ts';

const DEMO = 'demo/main.ts';
const started: Script[] = [];

/** Runs what follows in a mount namespace of its own, after a script. */
function masked(script: string): string[] {
  return ['unshare', '-rm', 'sh', '-ec', `${script}; exec "$@"`, 'masked'];
}

/** Covers every ss with a file that cannot be executed. */
const COVER_SS =
  'for ss in /usr/sbin/ss /sbin/ss /usr/bin/ss /bin/ss "$(command -v ss || true)"; do ' +
  'if [ -x "$ss" ]; then mount --bind /dev/null "$ss"; fi; done';
const WITHOUT_SS = masked(COVER_SS);
const WITHOUT_ANY_SOURCE = masked(`${COVER_SS}; mount -t tmpfs none /proc`);
const noMask = spawnSync('unshare', ['-rm', 'true']).status === 0 ? undefined : 'needs unshare, and user namespaces';
if (noMask !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] === '1') throw new Error(`a test ${noMask}`);

function startDemo(...parameters: string[]): Script {
  const demo = startScript(DEMO, parameters);
  started.push(demo);
  return demo;
}

afterEach(() => {
  for (const demo of started.splice(0)) demo.kill();
});

describe('the demo', () => {
  testWith('ss', 'finds the leak with its request, the resets and TIME_WAIT, and ends by itself', async () => {
    const demo = startDemo('--seconds', '7');
    expect(await demo.ended(20_000)).toBe(0);
    const output = demo.stdout();
    expect(output).toMatch(
      /^1\. [1-9]\d* CLOSE_WAIT on `api`, oldest \d(\.\d)? s, all upgraded sockets from GET \/stream$/m,
    );
    expect(output).toMatch(/^ +Why: the peer's FIN was read and nobody called end\(\)\.$/m);
    expect(output).toMatch(
      /^ +Fix: - Handle 'end' on the upgraded socket: `socket\.on\('end', \(\) => socket\.end\(\)\)`/m,
    );
    expect(output).toMatch(/^- TIME_WAIT grew from 0 to [1-9]\d* on `upstream` \(client\)/m);
    expect(output).toMatch(/^- TIME_WAIT grew from 0 to [1-9]\d* on `api` \(server\)/m);
    expect(output).toMatch(/^- [1-9]\d* of the \d+ closed connections of `raw` \(server\) were reset by the peer\.$/m);
    expect(output).toMatch(/^- Half-closes on `raw` \(server\): [1-9]\d* by the peer, [1-9]\d* by this process\.$/m);
    expect(output).toMatch(/^- Node's column against the kernel's, on \d+ open sockets: .*, 0 different\.$/m);
    // Something to look at on the way, and the same columns at the end.
    expect(output).toMatch(/^ {2}\d s {3}Node: .*CLOSE_WAIT \d+.* {3}kernel: .*TIME_WAIT \d+/m);
    expect(output).toMatch(/^TIME_WAIT +0 +[1-9]\d* +[1-9]\d*$/m);
    expect(demo.stderr()).toBe('');
    await until(
      () => !isGroupAlive(demo.pid),
      () => 'the end of every process of the demo',
    );
  });

  testWith('promtool', 'serves metrics that promtool has nothing against, with the leak in them', async () => {
    const demo = startDemo();
    const url = await demo.sees(/http:\/\/\S+\/metrics/);
    let exposition = '';
    await until(
      async () => {
        exposition = await (await fetch(url)).text();
        return /nodejs_tcp_node_sockets\{side="server",name="api",state="close_wait"\} [1-9]/.test(exposition);
      },
      () => `a CLOSE_WAIT of api in\n${exposition}`,
    );
    expect(run('promtool', ['check', 'metrics'], exposition)).toEqual({ status: 0, output: '' });
  });

  const lack = noMask === undefined ? '' : ` (${noMask})`;

  test.skipIf(noMask !== undefined)(`reads the kernel's column from procfs where there is no ss${lack}`, async () => {
    const demo = startScript(DEMO, ['--seconds', '7'], WITHOUT_SS);
    started.push(demo);
    expect(await demo.ended(20_000)).toBe(0);
    const output = demo.stdout();
    expect(output).toMatch(/^ {2}\d s {3}Node: .*CLOSE_WAIT \d+.* {3}kernel: .*TIME_WAIT \d+/m);
    expect(output).toMatch(/^1\. [1-9]\d* CLOSE_WAIT on `api`, .* all upgraded sockets from GET \/stream$/m);
    expect(output).toMatch(/^- TIME_WAIT grew from 0 to [1-9]\d* on `upstream` \(client\)/m);
    expect(demo.stderr()).toBe('');
  });

  test.skipIf(noMask !== undefined)(
    `works without any source, and says that the column is missing${lack}`,
    async () => {
      const demo = startScript(DEMO, ['--seconds', '4'], WITHOUT_ANY_SOURCE);
      started.push(demo);
      expect(await demo.ended(20_000)).toBe(0);
      const output = demo.stdout();
      expect(output).toMatch(/^ {2}\d s {3}Node: .*CLOSE_WAIT \d+.* {3}kernel: unknown$/m);
      expect(output).toMatch(/^- The kernel's column is missing \(ss: no ss in PATH .*; procfs: ENOENT.*\): /m);
      expect(output).toMatch(/^No leaks known: no table of the kernel that can be trusted has been read yet\.$/m);
      expect(output).not.toMatch(/^- TIME_WAIT/m);
      expect(demo.stderr()).toBe('');
    },
  );

  test.each([
    ['the whole group, as a terminal does it', 'group'],
    ['the program alone', 'program'],
  ] as const)('Ctrl-C to %s ends it with its findings, exit code 0 and nobody left', async (_whom, whom) => {
    const demo = startDemo();
    await demo.sees(/CLOSE_WAIT/);
    demo.signal('SIGINT', whom);
    expect(await demo.ended()).toBe(0);
    expect(demo.stdout()).toMatch(/What was found in \d s:\n- /);
    expect(demo.stderr()).toBe('');
    await until(
      () => !isGroupAlive(demo.pid),
      () => 'the end of every process of the demo',
    );
  });

  test.each([
    ['--seconds', 'soon'],
    ['--seconds', '-1'],
    ['--port', '65536'],
  ])('refuses %s %s with the value that it received', async (option, value) => {
    const demo = startDemo(`${option}=${value}`);
    expect(await demo.ended()).toBe(2);
    expect(demo.stderr()).toContain(`${option} is a whole number of at most`);
    expect(demo.stderr()).toContain(`received '${value}'`);
  });
});
