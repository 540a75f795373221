// A thousand reads of an ss that is replaced before each by one with another fault: nothing is left of them.
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SsRunner } from '../../../src/kernel/ss/ss-runner.ts';
import { type FakeFault, FakeFolder, QUICK_FAULTS } from '../../support/fake-ss.ts';
import { type ProcessInfo, processes, processText } from '../../support/processes.ts';
import { until } from '../../support/wait.ts';

const WARM_UP_READS = 100;
/** Each way. */
const READS = 500;

let fakes: FakeFolder;

beforeAll(() => {
  fakes = new FakeFolder();
});

afterAll(() => fakes.remove());

describe.skipIf(process.platform !== 'linux')('a thousand reads of faulty programs', () => {
  it.each([
    ['through the helper', true],
    ['directly', false],
  ])('%s leave no process, no descriptor and no memory behind', { timeout: 120_000 }, async (_, helper) => {
    const before = processes().map(({ pid }) => pid);
    const failures: string[] = [];
    const path = fakes.write('exit 0');
    const runner = new SsRunner({ path, helper, onHelperFailure: ({ message }) => failures.push(message) });
    let atRest = measure();
    let helped = 0;
    for (let each = 0; each < WARM_UP_READS + READS; each++) {
      if (each === WARM_UP_READS) atRest = await measureAtRest(atRest.descriptors);
      // Neighbours change from round to round, because 7 and the number of faults are coprime.
      const fault = QUICK_FAULTS[
        (each * 7 + Math.floor(each / QUICK_FAULTS.length)) % QUICK_FAULTS.length
      ] as FakeFault;
      fakes.replace(path, fault.script, fault.mode);
      const read = await runner.read({ timeoutMs: 8_000, onRow: () => undefined, ...fault.options });
      const expected = (read.via === 'direct' ? fault.direct : undefined) ?? fault.expected;
      expect(read, `read ${each}: ${fault.name}`).toMatchObject(expected);
      if (read.via === 'helper') helped++;
    }
    const { descriptors, heap, rss } = await measureAtRest(atRest.descriptors);
    expect(descriptors).toBeLessThanOrEqual(atRest.descriptors);
    expect(heap - atRest.heap).toBeLessThan(10_000_000);
    expect(rss - atRest.rss).toBeLessThan(60_000_000);
    // After an ss that had to be ended the helper takes a moment, and is not waited for.
    if (helper) expect(helped).toBeGreaterThan(READS / 2);
    else expect(helped).toBe(0);
    expect(failures).toEqual([]);
    runner.close();
    const left = (): ProcessInfo[] => leftBehind().filter(({ pid }) => !before.includes(pid));
    await until(
      () => left().length === 0,
      () => processText(left()),
    );
  });
});

interface Held {
  readonly descriptors: number;
  readonly heap: number;
  readonly rss: number;
}

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
})();

function measure(): Held {
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { descriptors: readdirSync('/proc/self/fd').length, heap: heapUsed, rss };
}

/** What is held when nothing of the last read is left; with more descriptors than that after the deadline. */
async function measureAtRest(descriptors: number): Promise<Held> {
  await until(
    () => measure().descriptors <= descriptors,
    () => `${measure().descriptors} descriptors instead of ${descriptors}`,
  );
  return measure();
}

/** What this file has started: fakes and their children, children of ours in any state, and watchdogs without a helper. */
function leftBehind(): ProcessInfo[] {
  const all = processes();
  const leaders = new Set(all.filter(({ state }) => state !== 'Z').map(({ pid }) => pid));
  const watchdogs = all.filter(({ command, group }) => command.includes('finwait: runs ss') && !leaders.has(group));
  return [...fakes.running(), ...all.filter(({ parent }) => parent === process.pid), ...watchdogs];
}
