import { type PromClient, putOnRegistry, type Registry } from '../exporters/prom-registry.ts';
import { DEFAULT_PREFIX } from '../metrics/catalogue.ts';
import type { MonitorInternals } from '../monitor/monitor.ts';
import { loadPromClient, PromClientMissing } from './prom-client.ts';

/** A scrape's answer. */
export interface MetricsText {
  /** 501: there is no prom-client, and the text says so. */
  readonly status: 200 | 501;
  readonly contentType: string;
  readonly text: string;
}

/** What {@link createMetricsText} needs to know. */
export interface MetricsTextOptions {
  /** Undefined for the default. */
  readonly prefix: string | undefined;
  /** Whether the application's own registry is part of it. */
  readonly withApplication: boolean;
  /** Files or folders of the application, to find its prom-client. */
  readonly folders: readonly string[];
}

/**
 * Returns what gives the metrics as text, again and again. prom-client is loaded for the first, and looked for again as
 * long as there is none. The metrics are on a registry of their own: what the application answers at a /metrics of its
 * own is not changed by finwait.
 */
export function createMetricsText(
  inside: MonitorInternals,
  { prefix = DEFAULT_PREFIX, withApplication, folders }: MetricsTextOptions,
): () => Promise<MetricsText> {
  let client: PromClient | undefined;
  let own: Registry | undefined;
  return async () => {
    try {
      client ??= await loadPromClient(folders);
    } catch (error) {
      if (!(error instanceof PromClientMissing)) throw error;
      return { status: 501, contentType: 'text/plain; charset=utf-8', text: `${error.message}\n` };
    }
    if (own === undefined) {
      own = new client.Registry();
      putOnRegistry(inside, own, prefix);
    }
    return withApplication ? both(inside, client.register, own) : textOf(own);
  };
}

async function textOf(registry: Registry): Promise<MetricsText> {
  return { status: 200, contentType: registry.contentType, text: await registry.metrics() };
}

/** The application's metrics and ours, in the application's format. */
async function both(inside: MonitorInternals, application: Registry, own: Registry): Promise<MetricsText> {
  // Names that are on both are of this monitor, or of another that sees the same: once is enough.
  if (own.getMetricsAsArray().some(({ name }) => application.getSingleMetric(name) !== undefined)) {
    return textOf(application);
  }
  own.setContentType(application.contentType as Parameters<Registry['setContentType']>[0]);
  const ours = await textOf(own);
  try {
    const theirs = await textOf(application);
    // OpenMetrics has an end, and it comes once.
    return { ...theirs, text: theirs.text.replace(/# EOF\n?$/, '') + ours.text };
  } catch (error) {
    // A metric of the application fails: that must not take ours away.
    inside.report('callback', error);
    return ours;
  }
}
