// The door `node --import finwait/register app.js`. No top-level await: `require('finwait/register')` must work.

import { AsyncResource } from 'node:async_hooks';
import cluster from 'node:cluster';
import { isMainThread } from 'node:worker_threads';
import { setImmediate } from './globals.ts';
import { formatLeak } from './monitor/format-leaks.ts';
import { createMonitor, internalsOf, type Monitor } from './monitor/monitor.ts';
import { readEnvironment, type ServeOptions } from './web/environment.ts';
import { openMetricsListener } from './web/metrics-listener.ts';
import type { MetricsText } from './web/metrics-text.ts';
import { isPackageManager } from './web/package-manager.ts';
import { writeStderrLine } from './web/stderr-line.ts';

/** One for the process, however often and from however many copies of finwait this is loaded. */
const KEY = Symbol.for('finwait.register.1');

type Registered = { [KEY]?: { readonly monitor: Monitor } };

/**
 * The monitor that observes this process; undefined in a worker thread and in a package manager, which are not
 * observed, and if it could not be made, which one line on stderr has said. Closing it ends the listener too.
 *
 * @example
 * import { monitor } from 'finwait/register';
 * monitor?.snapshot().names;
 */
export const monitor: Monitor | undefined = registered();

function registered(): Monitor | undefined {
  try {
    const known = (globalThis as Registered)[KEY]?.monitor;
    if (known !== undefined) return known;
    if (!isMainThread || isPackageManager(process.argv[1])) return undefined;
    const created = start();
    Object.defineProperty(globalThis, KEY, { value: { monitor: created } });
    return created;
  } catch (error) {
    // Whatever it is, the program runs on.
    writeStderrLine(`this process is not observed: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function start(): Monitor {
  const { options, observe, serve, logLeaks, complaints } = readEnvironment(process.env);
  for (const complaint of complaints) writeStderrLine(complaint);
  const created = createMonitor({
    ...options,
    ...(logLeaks ? { onLeak: (group) => writeStderrLine(formatLeak(group)) } : {}),
    onWarning: ({ message }) => writeStderrLine(message),
  });
  // A worker's port would be its siblings' too, and which of them answers a scrape would be chance.
  if (serve !== undefined && !cluster.isWorker) serveOnFirstUse(created, serve);
  created.observeProcess(observe);
  return created;
}

/** Serves the metrics once the program itself listens or connects: what does neither has nothing to show. */
function serveOnFirstUse(observed: Monitor, { host, port, ...serve }: ServeOptions): void {
  const inside = internalsOf(observed);
  const folders = applicationFolders();
  let text: Promise<() => Promise<MetricsText>> | undefined;

  /** prom-client and the exporter are loaded for the first scrape. */
  async function render(): Promise<MetricsText> {
    text ??= import('./web/metrics-text.ts').then(({ createMetricsText }) =>
      createMetricsText(inside, { ...serve, folders }),
    );
    return (await text)();
  }

  function open(): void {
    try {
      inside.onClose(openMetricsListener({ host, port, render, exclude: inside.exclude, say: writeStderrLine }));
    } catch (error) {
      inside.report('exporter', error);
    }
  }

  // Bound to what is current here: what the program keeps in an AsyncLocalStorage is none of a listener's.
  const openUnbound = AsyncResource.bind(open);
  // Not within the program's own call.
  inside.onFirstUse(() => setImmediate(openUnbound).unref());
}

/** Where an application keeps its packages: the folder of its main script, or the one it is started in. */
function applicationFolders(): readonly string[] {
  const [, script] = process.argv;
  try {
    return script === undefined ? [process.cwd()] : [script, process.cwd()];
  } catch {
    // The folder it was started in is gone.
    return script === undefined ? [] : [script];
  }
}
