import type { IncomingHttpHeaders } from 'node:http';
import type { LoadProbe } from '../detect/load-test/load-run.ts';
import type { HttpText } from './http-text.ts';

/** What one answer tells of how a server keeps its connections. */
export function probeOf({ status, headers }: Pick<HttpText, 'status' | 'headers'>): LoadProbe {
  const seconds = keepAliveSeconds(headers);
  // HTTP/1.1 keeps a connection unless it is said otherwise (RFC 9112 section 9.3).
  const keepsConnection = !/\bclose\b/i.test(headers.connection ?? '');
  return { status, keepsConnection, ...(seconds === undefined ? {} : { keepAliveSeconds: seconds }) };
}

/** `Keep-Alive: timeout=5` */
function keepAliveSeconds(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['keep-alive'];
  const seconds = /\btimeout=(\d+)/.exec(Array.isArray(value) ? value.join(',') : (value ?? ''))?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}
