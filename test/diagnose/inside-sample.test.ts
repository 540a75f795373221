import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { insideSample } from '../../src/diagnose/inside-sample.ts';
import { registerPrometheus } from '../../src/exporters/prometheus.ts';
import { createMonitor } from '../../src/monitor/monitor.ts';
import { STATE_LABELS } from '../../src/tcp/state.ts';
import { CleanUps } from '../support/clean-ups.ts';
import { until } from '../support/wait.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test('what a monitor exports is read whatever its prefix', async () => {
  const server = createServer((_request, response) => response.end('hello\n'));
  const monitor = createMonitor();
  cleanUps.push(() => monitor.close());
  monitor.observeServer(server, { name: 'api' });
  const register = new Registry();
  registerPrometheus(monitor, { register, prefix: 'shop_' });
  const port = await cleanUps.serve(server);

  const agent = new Agent({ keepAlive: true });
  for (let request = 0; request < 3; request++) {
    const [response] = await once(get({ port, host: '127.0.0.1', agent }), 'response');
    await once(response.resume(), 'end');
  }
  await monitor.sample();
  const sample = insideSample(await register.metrics());
  expect(sample).toMatchObject({
    requests: 3,
    opened: { server: 1, client: 0 },
    keepAliveTimeoutSeconds: 5,
    leaked: 0,
  });
  expect(sample?.serverStates).toMatchObject({ listen: 1, established: 1, close_wait: 0 });
  expect(Object.keys(sample?.serverStates ?? {})).toEqual([...STATE_LABELS]);
  expect(sample?.closeWait).toMatchObject({ not_ended: 0 });

  agent.destroy();
  await until(
    async () => insideSample(await register.metrics())?.closedFirst.remote === 1,
    () => 'the client has closed first',
  );
  expect(insideSample(await register.metrics())?.idleCloses.remote).toBe(1);
});

test("what is not finwait's is undefined", () => {
  expect(insideSample('')).toBeUndefined();
  expect(insideSample('<html>not found</html>')).toBeUndefined();
  expect(insideSample('process_info{version="1"} 1\nhttp_requests_total 3\n')).toBeUndefined();
});
