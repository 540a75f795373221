// A thousand samples of one monitor, every other one with an ss that has another fault: nothing is left of them.
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createMonitor } from 'finwait';
import { expect, test } from 'vitest';
import { internalsOf } from '../../src/monitor/monitor.ts';
import { type FakeFault, FakeFolder, QUICK_FAULTS, ROW } from '../support/fake-ss.ts';
import { childrenOf, type ProcessInfo, processes, processText } from '../support/processes.ts';
import { until } from '../support/wait.ts';

const SAMPLES = 1_000;
const WARM_UP = 100;
const TIMEOUT_MS = 300;
/** Those that need no other timeout than the monitor has, and no server; one that hangs is enough of its kind. */
const FAULTS = QUICK_FAULTS.filter(
  ({ name, options, expected }) => options === undefined || (name === 'hangs' && expected['reason'] === 'timeout'),
);
const GOOD: FakeFault = { name: 'works', script: `echo '${ROW}'`, expected: { ok: true } };

test.skipIf(process.platform !== 'linux')(
  'a thousand samples with every fault of ss leave no process, descriptor, timer or memory behind',
  { timeout: 120_000 },
  async () => {
    const fakes = new FakeFolder();
    const warnings: string[] = [];
    const strangers = processes().map(({ pid }) => pid);
    const path = fakes.write(GOOD.script);
    const monitor = createMonitor({
      ssPath: path,
      sampleIntervalMs: 3_600_000,
      sampleTimeoutMs: TIMEOUT_MS,
      onWarning: ({ message }) => warnings.push(message),
    });
    const sources = { ss: 0, procfs: 0 };
    let failed = 0;
    let atRest = held();
    let helper: number | undefined;
    for (let each = 0; each < SAMPLES; each++) {
      if (each === WARM_UP) {
        atRest = await heldAtRest(atRest);
        helper = helperOf();
      }
      // Neighbours change from round to round, because 7 and the number of faults are coprime.
      const number = Math.floor(each / 2);
      const fault =
        each % 2 === 1
          ? GOOD
          : (FAULTS[(number * 7 + Math.floor(number / FAULTS.length)) % FAULTS.length] as FakeFault);
      fakes.replace(path, fault.script, fault.mode);
      const sample = await monitor.sample();
      if (!sample.ok) failed++;
      else {
        sources[sample.source]++;
        if (fault.expected['ok'] === false) expect(sample.source, fault.name).toBe('procfs');
      }
    }
    const now = await heldAtRest(atRest);
    console.log('after a thousand samples:', { sources, failed, before: atRest, now });
    // A busy machine may need more than the timeout for what is good, and then procfs serves.
    expect(failed).toBeLessThan(SAMPLES / 10);
    expect(sources.procfs).toBeGreaterThan(SAMPLES / 4);
    expect(sources.ss).toBeGreaterThan(SAMPLES / 3);
    expect(now.descriptors).toBeLessThanOrEqual(atRest.descriptors);
    expect(now.resources).toBeLessThanOrEqual(atRest.resources);
    expect(now.heap - atRest.heap).toBeLessThan(10_000_000);
    expect(now.rss - atRest.rss).toBeLessThan(60_000_000);
    // Once for each reason, and never again.
    expect(new Set(warnings).size).toBe(warnings.length);
    expect(warnings.length).toBeLessThan(20);
    // It took all of them without being started again.
    expect(helperOf()).toBe(helper);
    expect(internalsOf(monitor).internalErrors).toEqual(new Map());
    monitor.close();
    const left = (): ProcessInfo[] =>
      [...fakes.running(), ...childrenOf(process.pid)].filter(({ pid }) => !strangers.includes(pid));
    await until(
      () => left().length === 0,
      () => processText(left()),
    );
    fakes.remove();

    function helperOf(): number | undefined {
      return childrenOf(process.pid).find(({ command }) => command.includes('finwait: runs ss'))?.pid;
    }
  },
);

interface Held {
  readonly descriptors: number;
  /** Timers, pipes, processes: whatever Node says is active. */
  readonly resources: number;
  readonly heap: number;
  readonly rss: number;
}

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
})();

function held(): Held {
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo().length;
  return { descriptors: readdirSync('/proc/self/fd').length, resources, heap: heapUsed, rss };
}

/** What is held when nothing of the last sample is left; with more than that after the deadline. */
async function heldAtRest({ descriptors, resources }: Held): Promise<Held> {
  const settled = (): boolean => {
    const now = held();
    return now.descriptors <= descriptors && now.resources <= resources;
  };
  await until(settled, () => `${JSON.stringify(held())} instead of ${descriptors} and ${resources}`).catch(
    () => undefined,
  );
  return held();
}
