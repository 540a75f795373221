// A recording of real connections: what the kernel shows from outside must be what the test has made.
import { createServer } from 'node:http';
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Phase } from '../../src/detect/load-test/load-run.ts';
import type { LoadSample } from '../../src/detect/load-test/load-sample.ts';
import { type LoadSource, type RecordOptions, record } from '../../src/diagnose/record.ts';
import { SourceChain } from '../../src/kernel/source-chain.ts';
import { CleanUps } from '../support/clean-ups.ts';
import { testWith } from '../support/tools.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

const CONNECTIONS = 7;

function recorded(port: number, load: LoadSource, more: Partial<RecordOptions> = {}): ReturnType<typeof record> {
  const chain = new SourceChain();
  cleanUps.push(() => chain.close());
  return record({
    target: { ports: [port], pids: [process.pid] },
    chain,
    load,
    inside: undefined,
    probe: undefined,
    notes: [],
    intervalMs: 20,
    share: 1,
    settleMs: 5_000,
    interrupt: new AbortController().signal,
    onLook: () => undefined,
    ...more,
  });
}

/** A load that lasts until it is told to end. */
function openEnded(start: () => void): { readonly load: LoadSource; readonly end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<{ exitCode: number }>((resolve) => {
    end = () => resolve({ exitCode: 0 });
  });
  const running = { pid: process.pid, ended };
  return {
    load: {
      kind: 'command',
      argv: ['load', '--token', 's3cr3t'],
      start: () => {
        start();
        return running;
      },
    },
    end: () => end(),
  };
}

testWith('ss', 'both ends of a load are seen while it runs, and nothing is left of it', async () => {
  const port = await cleanUps.serve(createServer((_request, response) => response.end()));
  const sockets: net.Socket[] = [];
  const { load, end } = openEnded(() => {
    for (let index = 0; index < CONNECTIONS; index++) sockets.push(cleanUps.keep(net.connect(port, '127.0.0.1')));
  });
  const phases: Phase[] = [];
  let seen: LoadSample | undefined;
  const { run, cost } = await recorded(port, load, {
    onLook: (sample, phase) => {
      phases.push(phase);
      const { server, acceptQueue } = sample.table ?? {};
      // This process serves too, and may not have come round to accept them.
      if (seen !== undefined || server?.established !== CONNECTIONS || acceptQueue?.connections !== 0) return;
      seen = sample;
      for (const socket of sockets) socket.end();
      end();
    },
  });
  expect(seen?.table).toMatchObject({
    server: { established: CONNECTIONS, listen: 1 },
    callers: { established: CONNECTIONS },
    acceptQueue: { listeners: 1, waitedMs: 0 },
    ports: [{ whose: 'callers', destination: `127.0.0.1:${port}`, used: CONNECTIONS }],
  });
  expect(run.isQuiet).toBe(true);
  expect(run.command).toEqual({ argv: ['load', '--token', '***'], exitCode: 0 });
  expect(run.samples.at(-1)?.table?.server).toMatchObject({ established: 0, close_wait: 0 });
  expect(run.samples.at(-1)?.table?.callers.time_wait).toBe(CONNECTIONS);
  expect([...new Set(phases)]).toEqual(['before', 'load', 'after']);
  expect(phases.filter((phase) => phase === 'before')).toHaveLength(2);
  const { before, load: during, after } = run.phases;
  expect([before.toMs, during.toMs]).toEqual([during.fromMs, after.fromMs]);
  expect(cost.samples).toBe(run.samples.length);
});

testWith('ss', 'what is left keeps a recording waiting for its whole time, and is quiet', async () => {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => cleanUps.keep(socket.resume()));
  const port = await cleanUps.serve(server);
  const { load, end } = openEnded(() => {
    const socket = cleanUps.keep(net.connect(port, '127.0.0.1', () => socket.end(() => end())));
  });
  const { run } = await recorded(port, load, { settleMs: 2_000 });
  expect(run.isQuiet).toBe(true);
  expect(run.phases.after.toMs - run.phases.after.fromMs).toBeGreaterThanOrEqual(2_000);
  expect(run.samples.at(-1)?.table?.server).toMatchObject({ close_wait: 1 });
  expect(run.samples.at(-1)?.table?.serverEnd.closeWaitHeld).toBe(1);
});

test('an interrupt ends it at once, with what was seen so far', async () => {
  const port = await cleanUps.serve(net.createServer());
  const interrupt = new AbortController();
  const load = { kind: 'duration', durationMs: 3_600_000 } as const;
  const { run } = await recorded(port, load, {
    interrupt: interrupt.signal,
    onLook: (_sample, phase) => {
      if (phase === 'load') interrupt.abort();
    },
  });
  expect(run.isInterrupted).toBe(true);
  expect(run.samples.length).toBeGreaterThanOrEqual(2);
  expect(run.command).toBeUndefined();
});

test('one that is interrupted before the load starts it never', async () => {
  const port = await cleanUps.serve(net.createServer());
  let started = 0;
  const { load } = openEnded(() => started++);
  const { run } = await recorded(port, load, { interrupt: AbortSignal.abort() });
  expect([started, run.isInterrupted]).toEqual([0, true]);
});
