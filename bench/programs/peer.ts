import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { RequestHandler } from 'express';
import type { Peer } from './kinds.ts';

/** A peer at work in this process. */
export interface Instrumented {
  /** For Express, to be used before everything else. */
  readonly middleware?: RequestHandler;
  /** How much it has seen so far: one that sees nothing costs nothing, and is no peer. */
  seen(): number | Promise<number>;
}

/** Starts a peer, as its manual says, from the folder that its packages are installed in. */
export function instrument(peer: Peer, packages: string): Instrumented {
  const load = createRequire(join(packages, 'index.js'));
  switch (peer) {
    case 'otel-net':
      return traceNet(load);
    case 'prom-bundle':
      return countRequests(load);
    default:
      return peer satisfies never;
  }
}

/** Spans of every connect, batched, to an exporter that drops them. */
function traceNet(load: NodeJS.Require): Instrumented {
  const { NodeTracerProvider, BatchSpanProcessor } = load('@opentelemetry/sdk-trace-node') as TraceSdk;
  const { registerInstrumentations } = load('@opentelemetry/instrumentation') as Instrumentation;
  const { NetInstrumentation } = load('@opentelemetry/instrumentation-net') as { NetInstrumentation: Constructor };
  let spans = 0;
  const exporter = {
    export(batch: readonly unknown[], done: (result: { code: 0 }) => void): void {
      spans += batch.length;
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  };
  const processor = new BatchSpanProcessor(exporter) as { forceFlush(): Promise<void> };
  new NodeTracerProvider({ spanProcessors: [processor] }).register();
  registerInstrumentations({ instrumentations: [new NetInstrumentation()] });
  // It is this call that its hook waits for; what it patches is shared with every import.
  load('node:net');
  return {
    async seen() {
      await processor.forceFlush();
      return spans;
    },
  };
}

type Constructor = new (options?: object) => object;

interface TraceSdk {
  readonly BatchSpanProcessor: Constructor;
  readonly NodeTracerProvider: new (options: object) => { register(): void };
}

interface Instrumentation {
  registerInstrumentations(options: { readonly instrumentations: readonly object[] }): void;
}

/** A histogram of request durations by method and path. */
function countRequests(load: NodeJS.Require): Instrumented {
  const bundle = load('express-prom-bundle') as (options: object) => RequestHandler;
  const { register } = load('prom-client') as { register: { metrics(): Promise<string> } };
  return {
    middleware: bundle({ includeMethod: true, includePath: true }),
    async seen() {
      let requests = 0;
      for (const [, count] of (await register.metrics()).matchAll(/^http_request_duration_seconds_count.* (\d+)$/gm)) {
        requests += Number(count);
      }
      return requests;
    },
  };
}
