import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Makes one GET through an agent and reads the answer to its end; rejects with the error of the request. */
export function get(agent: http.Agent, port: number, path: string = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** Listens on a free port of loopback. */
export async function listen(
  server: { listen(port: number, host: string): unknown } & NodeJS.EventEmitter,
): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server as unknown as { address(): AddressInfo }).address().port;
}
