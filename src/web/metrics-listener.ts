import diagnosticsChannel from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clearTimeout, setTimeout } from '../globals.ts';
import { CHANNEL } from '../observe/channels.ts';
import type { MetricsText } from './metrics-text.ts';

/** What {@link openMetricsListener} needs to know. */
export interface MetricsListenerOptions {
  /** An IP address. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Gives the answer; a rejection is answered with 500. */
  readonly render: () => Promise<MetricsText>;
  /** Told of the server before it listens, so that it and its connections are in no metric. */
  readonly exclude: (server: Server) => void;
  /** Told what a user must know, in one line: where the port was chosen, and why there is none. */
  readonly say: (line: string) => void;
  /** Milliseconds after which a port that could not be had is tried again. @default 15000 */
  readonly retryMs?: number;
  /** Milliseconds after which a client is got rid of, whatever it does or does not do. @default 10000 */
  readonly connectionMs?: number;
}

const PATH = '/metrics';
const RETRY_MS = 15_000;
/** One scraper needs one, for some milliseconds. */
const MAX_CONNECTIONS = 10;
const CONNECTION_MS = 10_000;
const MAX_HEADER_BYTES = 8_192;

/**
 * Serves GET /metrics, keeping nothing alive: neither the listener nor a scrape under way holds the process. The port
 * belongs to the program first: if the program listens on it later, ours makes room in that very call.
 *
 * A port that is in use is said once and tried again, because it is often a process that is about to end: the older one
 * of a restart.
 *
 * @returns a function that ends it
 */
export function openMetricsListener(options: MetricsListenerOptions): () => void {
  const { host, port, render, exclude, say, retryMs = RETRY_MS, connectionMs = CONNECTION_MS } = options;
  // Not imported above: most programs have it by now, and one that has no use for it until here starts sooner.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    void answer(request, response, renderOnce);
  });
  let retry: NodeJS.Timeout | undefined;
  let rendering: Promise<MetricsText> | undefined;
  let hasComplained = false;
  let closed = false;

  exclude(server);
  server.unref();
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => {
    socket.unref();
    const limit = setTimeout(() => socket.destroy(), connectionMs).unref();
    socket.on('close', () => clearTimeout(limit));
  });
  server.on('listening', () => {
    if (port === 0) say(`metrics at ${urlOf(server.address() as AddressInfo)}`);
  });
  server.on('error', (error) => {
    // While it listens that is a connection that could not be accepted: no descriptor was left.
    if (!closed && !server.listening) failed(error);
  });

  function open(): void {
    // Exclusive: never one that a cluster's workers share.
    server.listen({ host, port, exclusive: true });
  }

  function failed(error: NodeJS.ErrnoException): void {
    if (!hasComplained) {
      const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be had (${error.code ?? error.message})`;
      say(`port ${port} of ${host} ${reason}, /metrics is served as soon as it can be; FINWAIT_PORT is another port`);
    }
    hasComplained = true;
    retry = setTimeout(open, retryMs).unref();
  }

  /** Scrapes that come together share one text. */
  function renderOnce(): Promise<MetricsText> {
    rendering ??= render().finally(() => {
      rendering = undefined;
    });
    return rendering;
  }

  /** A net.Server is about to listen, and has not bound yet. */
  function onListen(message: unknown): void {
    const { server: other, options: asked } = message as { server: unknown; options?: { port?: unknown } | null };
    const held = server.address() as AddressInfo | null;
    if (other === server || held === null || Number(asked?.port) !== held.port) return;
    if (port === 0) {
      shut();
      open();
    } else {
      close();
      say(`the program itself listens on port ${port}, /metrics is not served; FINWAIT_PORT is another port`);
    }
  }

  /** The descriptor is closed when this returns. */
  function shut(): void {
    server.close();
    server.closeAllConnections();
  }

  function close(): void {
    if (closed) return;
    closed = true;
    diagnosticsChannel.unsubscribe(CHANNEL.listen, onListen);
    clearTimeout(retry);
    shut();
  }

  diagnosticsChannel.subscribe(CHANNEL.listen, onListen);
  open();
  return close;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  render: () => Promise<MetricsText>,
): Promise<void> {
  // A scraper comes every 15 s: a connection that waits for it is one that is held for nothing.
  response.shouldKeepAlive = false;
  const [path] = (request.url ?? '').split('?');
  if (path !== PATH) return send(response, 404, PLAIN, `Only ${PATH} is here.\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, PLAIN, 'Only GET and HEAD are allowed.\n');
  }
  try {
    const { status, contentType, text } = await render();
    send(response, status, contentType, text);
  } catch (error) {
    send(response, 500, PLAIN, `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

const PLAIN = 'text/plain; charset=utf-8';

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  // To HEAD, Node sends the headers alone.
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${PATH}`;
}
