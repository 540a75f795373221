import type { IncomingHttpHeaders } from 'node:http';
import type { LoadProbe } from '../detect/load-test/load-run.ts';
import type { HttpText } from './http-text.ts';

/** What one answer tells of how a server keeps its connections. */
export function probeOf({ status, version, headers }: Pick<HttpText, 'status' | 'version' | 'headers'>): LoadProbe {
  const seconds = keepAliveSeconds(headers);
  const said = headers.connection ?? '';
  // HTTP/1.1 keeps a connection unless it is said otherwise, HTTP/1.0 only if it is said (RFC 9112 section 9.3).
  const keepsConnection = !/\bclose\b/i.test(said) && (version !== '1.0' || /\bkeep-alive\b/i.test(said));
  return { status, keepsConnection, ...(seconds === undefined ? {} : { keepAliveSeconds: seconds }) };
}

/** `Keep-Alive: timeout=5` */
function keepAliveSeconds(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['keep-alive'];
  const seconds = /\btimeout=(\d+)/.exec(Array.isArray(value) ? value.join(',') : (value ?? ''))?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}
