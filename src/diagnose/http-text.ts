import { type IncomingHttpHeaders, request } from 'node:http';
import { clearTimeout, setTimeout } from '../globals.ts';

/** An answer of HTTP. */
export interface HttpText {
  readonly status: number;
  /** `1.1`. */
  readonly version: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How to ask. */
export interface HttpTextOptions {
  readonly timeoutMs: number;
  /** Whether to ask for the connection to be kept. It is closed either way. */
  readonly keepsAlive: boolean;
  readonly signal: AbortSignal;
}

/** A longer answer is not finwait's. */
const MOST_BYTES = 4_000_000;

/**
 * Asks once with GET, over a connection of its own that is closed afterwards, by this side if the other does not.
 *
 * Rejects with what keeps it from an answer; also where it takes longer than the timeout, or is longer than 4 MB.
 */
export function getText(url: URL, { timeoutMs, keepsAlive, signal }: HttpTextOptions): Promise<HttpText> {
  return new Promise((resolve, reject) => {
    const headers = { connection: keepsAlive ? 'keep-alive' : 'close', 'user-agent': 'finwait-diagnose' };
    const asked = request(url, { agent: false, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MOST_BYTES) asked.destroy(new Error(`more than ${MOST_BYTES} bytes`));
      });
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          version: response.httpVersion,
          headers: response.headers,
          text,
        });
        // Kept or not, this one has served its purpose.
        asked.destroy();
      });
    });
    // Not AbortSignal.timeout() under AbortSignal.any(): in Node 20 the garbage collector may take it away before it fires.
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.on('error', reject);
    asked.on('close', () => {
      clearTimeout(timer);
      // After a 101, which nobody has asked for, Node closes the request without an error.
      reject(new Error('closed without an answer'));
    });
    asked.end();
  });
}
