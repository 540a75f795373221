// The service that `api` calls: a process of its own, so that its sockets are not the demo's.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end('{"quote":"Be conservative in what you send."}');
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

// Ctrl-C reaches the whole process group; the demo says when it is over by closing the channel.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
