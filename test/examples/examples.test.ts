import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { readSource, type Script, startScript } from '../support/script.ts';
import { until } from '../support/wait.ts';

const EXAMPLES = [
  'agent.ts',
  'express.ts',
  'http-server.ts',
  'keep-alive-race.ts',
  'leaks.ts',
  'net-server.ts',
  'undici.ts',
];
const started: Script[] = [];

function start(example: string): Script {
  const script = startScript(`examples/${example}`);
  started.push(script);
  return script;
}

afterEach(() => {
  for (const script of started.splice(0)) script.kill();
});

describe('the examples', () => {
  it('are these, the walk through a handshake, a load test, and manifests for Kubernetes', () => {
    expect(readdirSync(new URL('../../examples', import.meta.url)).sort()).toEqual(
      [...EXAMPLES, 'handshake.ts', 'kubernetes', 'load-test'].sort(),
    );
  });

  it.each(EXAMPLES)('%s has fewer than 40 lines and says how to run it', (example) => {
    const source = readSource(`examples/${example}`);
    expect(source.trimEnd().split('\n').length).toBeLessThan(40);
    expect(source.split('\n')[0]).toContain(`npx tsx examples/${example}`);
  });

  it('express.ts answers its route, and the metrics say so', async () => {
    const script = start('express.ts');
    const url = await script.sees(/a request: curl (\S+)/);
    expect(await (await fetch(url)).json()).toEqual({ id: '7' });
    await metricsShow(
      new URL('/metrics', url),
      /nodejs_tcp_connections_opened_total\{side="server",name="api"\} [1-9]/,
    );
  });

  it('agent.ts shows what its pools hold', async () => {
    const script = start('agent.ts');
    await script.sees(/(nodejs_tcp_connections_opened_total\{side="client",name="pooled"\} 2)/);
    await script.sees(/(nodejs_tcp_pool_connections\{name="pooled",pool_state="active"\} 2)/);
    await script.sees(/(nodejs_tcp_pool_pending_requests\{name="pooled"\} [1-9])/);
  });

  it('leaks.ts logs the leak, and ends with the report', async () => {
    const script = start('leaks.ts');
    expect(await script.ended(20_000)).toBe(0);
    expect(script.stdout()).toMatch(
      /^in your log: [123] CLOSE_WAIT on `api`, .* upgraded sockets? from GET \/stream: /m,
    );
    expect(script.stdout()).toMatch(/^3 leaked sockets in 1 group, as of the kernel's table/m);
  });

  it('http-server.ts shows both ends of the connection that its client keeps', async () => {
    const script = start('http-server.ts');
    const url = new URL(await script.sees(/curl -s (\S+)/));
    await metricsShow(url, /nodejs_tcp_open_connections\{side="client",name="web"\} 1\n/);
    await metricsShow(url, /nodejs_tcp_connections_adopted_total\{side="client",name="web"\} 0\n/);
    await metricsShow(url, /nodejs_tcp_node_sockets\{side="server",name="web",state="established"\} [1-9]/);
  });

  it('undici.ts shows a pool that is too small, and fetch', async () => {
    const script = start('undici.ts');
    const url = new URL(await script.sees(/curl -s (\S+)/));
    await metricsShow(url, /nodejs_tcp_pool_connections\{name="billing",pool_state="active"\} 2\n/);
    await metricsShow(url, /nodejs_tcp_pool_pending_requests\{name="billing"\} [1-9]/);
    await metricsShow(url, /nodejs_tcp_connections_opened_total\{side="client",name="fetch"\} [1-9]/);
  });

  it('keep-alive-race.ts loses a request, counts it, says whose timeout to change, and ends', async () => {
    const script = start('keep-alive-race.ts');
    expect(await script.ended(15_000)).toBe(0);
    expect(script.stdout()).toMatch(/the first request: 200\n/);
    expect(script.stdout()).toMatch(/the second request, .*: socket hang up\n/);
    expect(script.stdout()).toMatch(/nodejs_tcp_reused_connection_errors_total\{name="ip:\d+"\} 1\n/);
    expect(script.stdout()).toMatch(
      /keep_alive_race: 1 request .* after 2\.\d s idle; the server announces 2 s, and closed as announced/,
    );
    expect(script.stdout()).toContain('- Close idle connections first: `timeout: 1000` on http.Agent');
    expect(script.stderr()).toBe('');
  });

  it('net-server.ts prints both columns', async () => {
    const script = start('net-server.ts');
    await script.sees(/nc 127\.0\.0\.1 \d+/);
    await script.sees(/Node: listen 1 {3}kernel: (listen 1|unknown)/);
  });
});

async function metricsShow(url: URL, pattern: RegExp): Promise<void> {
  let exposition = '';
  await until(
    async () => {
      exposition = await (await fetch(url)).text();
      return pattern.test(exposition);
    },
    () => `${pattern} in\n${exposition}`,
  );
}
