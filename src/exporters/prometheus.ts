import { register as defaultRegister, type Registry } from 'prom-client';
import { DEFAULT_PREFIX } from '../metrics/catalogue.ts';
import { isMetricPrefix, PREFIX_RULE } from '../metrics/prefix.ts';
import { internalsOf, type Monitor } from '../monitor/monitor.ts';
import { refuseUnknownKeys, show } from '../monitor/options.ts';
import { putOnRegistry } from './prom-registry.ts';

/** Options of {@link registerPrometheus}. */
export interface PrometheusOptions {
  /** The registry to register on. @default prom-client's global `register` */
  readonly register?: Registry;
  /** What every metric's name begins with: letters, digits, `_` and `:`. @default 'nodejs_tcp_' */
  readonly prefix?: string;
}

/**
 * Registers every metric of a monitor on a prom-client registry. Values are read when the registry is scraped; no
 * prom-client call is made for an event, and a scrape neither starts a sample nor waits for one.
 *
 * @returns a function that takes the metrics off the registry; `monitor.close()` does the same
 * @throws TypeError if an option is wrong, Error if the registry has a monitor under this prefix already
 * @example
 * import { register } from 'prom-client';
 * registerPrometheus(monitor);
 * app.get('/metrics', async (_, res) => res.type(register.contentType).send(await register.metrics()));
 */
export function registerPrometheus(monitor: Monitor, options: PrometheusOptions = {}): () => void {
  refuseUnknownKeys('registerPrometheus', options, ['register', 'prefix']);
  const { register = defaultRegister, prefix = DEFAULT_PREFIX } = options;
  if (!isMetricPrefix(prefix)) throw new TypeError(`prefix is ${PREFIX_RULE}, received ${show(prefix)}`);
  if (typeof register?.registerMetric !== 'function') {
    throw new TypeError(`register is a prom-client Registry, received ${show(register)}`);
  }
  const inside = internalsOf(monitor);
  const takeOff = putOnRegistry(inside, register, prefix);
  const registration: Registration = { register };
  registrations.set(monitor, [...(registrations.get(monitor) ?? []), registration]);
  inside.onClose(unregisterPrometheus);
  return unregisterPrometheus;

  function unregisterPrometheus(): void {
    const others = registrations.get(monitor)?.filter((other) => other !== registration) ?? [];
    registrations.set(monitor, others);
    takeOff();
  }
}

/** The registry a monitor was registered on last, of those it is still on; undefined if it is on none. @internal */
export function registryOf(monitor: Monitor): Registry | undefined {
  return registrations.get(monitor)?.at(-1)?.register;
}

/** An object of its own, because a monitor may be on one registry twice, under two prefixes. */
interface Registration {
  readonly register: Registry;
}

const registrations = new WeakMap<Monitor, readonly Registration[]>();
