import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { internalsOf, type Monitor } from '../monitor/monitor.ts';
import { refuseUnknownKeys, resolveName, show } from '../monitor/options.ts';
import { CHANNEL, listenTo } from '../observe/channels.ts';
import { requestText } from '../observe/request-text.ts';

/** What the metrics handler needs of a prom-client Registry; spelled out, because prom-client is optional. */
export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
  registerMetric(metric: never): void;
}

/** Options of {@link socketLifecycle}. */
export interface SocketLifecycleOptions {
  /**
   * Where the middleware answers GET with the metrics in Prometheus' format, relative to where it is mounted; `false`
   * for nowhere. Needs prom-client, else it answers 501. @default '/metrics'
   */
  readonly metricsPath?: string | false;
  /** The registry whose metrics are answered, if the monitor is on none yet. @default prom-client's global `register` */
  readonly register?: MetricsRegistry;
  /** The `name` label of the server that the application listens on; a second one gets its port. @default the port */
  readonly name?: string;
}

/** A middleware for Express 4 and 5, in the types of node:http that both extend. */
export type SocketLifecycleHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Express middleware: observes the server that the application listens on, remembers for each connection its last
 * request (method and route pattern) for the reports, and answers the metrics.
 *
 * The server is found when it starts to listen, if the application is its 'request' listener as in `app.listen()` or
 * `http.createServer(app)`; else at the first request, and the connections open by then are adopted.
 *
 * @throws TypeError if an option is wrong, Error if the monitor is closed
 * @example
 * const app = express();
 * app.use(socketLifecycle(createMonitor(), { name: 'api' }));
 * app.listen(3000); // curl localhost:3000/metrics
 */
export function socketLifecycle(monitor: Monitor, options: SocketLifecycleOptions = {}): SocketLifecycleHandler {
  refuseUnknownKeys('socketLifecycle', options, ['metricsPath', 'register', 'name']);
  const { metricsPath = '/metrics', register } = options;
  if (metricsPath !== false && (typeof metricsPath !== 'string' || !metricsPath.startsWith('/'))) {
    throw new TypeError(`metricsPath is a path beginning with '/', or false, received ${show(metricsPath)}`);
  }
  const name = resolveName('socketLifecycle', options.name === undefined ? {} : { name: options.name });
  const { report, onClose } = internalsOf(monitor);
  const seen = new WeakSet<object>();
  let closed = false;
  let scrape: Promise<Scrape> | undefined;

  function observe(server: Server): void {
    if (closed || seen.has(server)) return;
    observeNamed(server);
    seen.add(server);
  }

  function observeNamed(server: Server): void {
    if (name !== undefined) {
      try {
        monitor.observeServer(server, { name });
        return;
      } catch {
        // One application may listen twice (http and https); the name belongs to the first while that listens.
      }
    }
    monitor.observeServer(server);
  }

  function guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      report('observer', error);
    }
  }

  function onListen({ server }: { readonly server: Server }): void {
    if (server.listeners('request').some((listener) => isMounted(socketLifecycleMiddleware, listener))) observe(server);
  }

  function noteRoute(request: ExpressRequest): void {
    const route = routeOf(request);
    if (route !== undefined) monitor.noteRequest(request.socket, `${request.method} ${route}`);
  }

  async function answerMetrics(response: ServerResponse): Promise<void> {
    try {
      if (closed) return refuse(response, 503, 'The monitor is closed.');
      scrape ??= openScrape(monitor, register);
      const answer = await scrape.catch((error: unknown) => {
        // What is in the way now, another monitor on the registry for one, may be gone at the next scrape.
        scrape = undefined;
        return refusalOf(error);
      });
      await answer(response);
    } catch (error) {
      report('exporter', error);
    }
  }

  function socketLifecycleMiddleware(
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): void {
    const { path, originalUrl = request.url } = request as ExpressRequest;
    guarded(() => {
      const { server } = request.socket as unknown as { server?: Server };
      if (server !== undefined && server !== null) observe(server);
      monitor.noteRequest(request.socket, requestText({ method: request.method, url: originalUrl }));
    });
    if (path === metricsPath && (request.method === 'GET' || request.method === 'HEAD')) {
      void answerMetrics(response);
      return;
    }
    next();
    // Express routes a request in the same turn unless a middleware before the route is asynchronous.
    guarded(() => noteRoute(request as ExpressRequest));
  }

  const ends: (() => void)[] = [];
  onClose(() => {
    closed = true;
    for (const end of ends) end();
  });
  if (closed) throw new Error('socketLifecycle: this monitor is closed');
  const reportObserver = (error: unknown): void => report('observer', error);
  ends.push(
    listenTo(CHANNEL.listen, onListen, reportObserver),
    listenTo<{ readonly request: ExpressRequest }>(
      CHANNEL.response,
      ({ request }) => noteRoute(request),
      reportObserver,
    ),
  );
  return socketLifecycleMiddleware;
}

/** What Express adds to a request, in both versions. */
interface ExpressRequest extends IncomingMessage {
  readonly path?: string;
  readonly originalUrl?: string;
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}

/** A layer of Express' router; a router mounted in another is the layer's handle, with a stack of its own. */
interface Layer {
  readonly handle?: { readonly stack?: readonly Layer[] };
}

/** The pattern of the route that took a request, `/users/:id`; undefined while none has. */
function routeOf(request: ExpressRequest): string | undefined {
  const pattern = request.route?.path;
  if (pattern === undefined) return undefined;
  return `${request.baseUrl ?? ''}${Array.isArray(pattern) ? pattern.join('|') : String(pattern)}`;
}

/** What is read of an application; Express 4 keeps its router in `_router`, Express 5 behind a getter. */
interface Application {
  readonly _router?: { readonly stack?: readonly Layer[] };
  readonly enabled?: unknown;
}

/** Whether a server's 'request' listener is an Express application that uses this middleware. */
function isMounted(middleware: SocketLifecycleHandler, listener: unknown): boolean {
  if (typeof listener !== 'function') return false;
  const app = listener as Application;
  const router = app._router ?? (typeof app.enabled === 'function' ? lazyRouterOf(app) : undefined);
  return holds(router?.stack, middleware);
}

/**
 * The router of an Express 5 application, undefined while it has none.
 *
 * `app.router` makes the router when it is first read, and freezes the routing settings with it, so an application of
 * somebody else must not be read that way. The getter asks its `this` for the settings before it makes a router and for
 * nothing when it has one: on a `this` that refuses to be asked it can only return what is there.
 */
function lazyRouterOf(app: Application): Application['_router'] {
  const getter = Object.getOwnPropertyDescriptor(app, 'router')?.get;
  try {
    return getter?.call(REFUSES_TO_BE_ASKED) as Application['_router'];
  } catch {
    return undefined;
  }
}

const REFUSES_TO_BE_ASKED: object = new Proxy(
  {},
  {
    get() {
      throw new Error('no router yet');
    },
  },
);

function holds(stack: readonly Layer[] | undefined, middleware: SocketLifecycleHandler): boolean {
  return stack?.some(({ handle }) => (handle as unknown) === middleware || holds(handle?.stack, middleware)) ?? false;
}

/** prom-client's own type, needed inside only. */
type Registry = NonNullable<import('../exporters/prometheus.ts').PrometheusOptions['register']>;

type Scrape = (response: ServerResponse) => Promise<void>;

/** Loads the exporter at the first scrape, because prom-client is optional. */
async function openScrape(monitor: Monitor, register: MetricsRegistry | undefined): Promise<Scrape> {
  const { registryOf, registerPrometheus } = await import('../exporters/prometheus.ts');
  if (registryOf(monitor) === undefined) {
    registerPrometheus(monitor, register === undefined ? {} : { register: register as Registry });
  }
  return async (response) => {
    const registry = registryOf(monitor);
    if (registry === undefined) return refuse(response, 503, 'The monitor is on no registry any more.');
    try {
      const text = await registry.metrics();
      if (isAnswered(response)) return;
      response.setHeader('content-type', registry.contentType);
      response.end(text);
    } catch (error) {
      // Another metric on the same registry may fail; that is the program's to see.
      refuse(response, 500, error instanceof Error ? error.message : String(error));
    }
  };
}

/** The answer to a scrape whose exporter did not open. */
function refusalOf(error: unknown): Scrape {
  const missing = (error as { code?: unknown } | undefined)?.code === 'ERR_MODULE_NOT_FOUND';
  const reason = error instanceof Error ? error.message : String(error);
  return async (response) =>
    missing
      ? refuse(response, 501, 'prom-client is not installed: npm install prom-client')
      : refuse(response, 500, reason);
}

/** Whether somebody else answered while the metrics were gathered: a middleware with a timeout, for one. */
function isAnswered(response: ServerResponse): boolean {
  return response.headersSent || response.writableEnded;
}

function refuse(response: ServerResponse, statusCode: number, reason: string): void {
  if (isAnswered(response)) return;
  response.statusCode = statusCode;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`${reason}\n`);
}
