// The clients of the demo, each in a process of its own: `clients.ts <role> <api port> <raw port>`.
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';

const HOST = '127.0.0.1';
/** Enough for a leak that nobody overlooks, and few enough for any limit of descriptors. */
const MOST_LEAKED = 200;

/** What each client does, every so many milliseconds. */
const ROLES: { readonly [role: string]: (apiPort: number, rawPort: number) => void } = {
  /** Well behaved: a few connections that are used again and again. */
  'keep-alive': (apiPort) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 3 });
    every(200, (turn) => {
      for (let index = 0; index < 3; index++) fetchFrom(apiPort, `/quotes/${turn}-${index}`, agent);
    });
  },
  /** Upgrades, hears the first word, sends its FIN and waits for a FIN that the service never sends. */
  leak: (apiPort) => {
    let opened = 0;
    every(300, () => {
      if (opened++ >= MOST_LEAKED) return;
      const socket = open(apiPort, true);
      socket.write(`GET /stream HTTP/1.1\r\nhost: ${HOST}\r\nconnection: upgrade\r\nupgrade: stream\r\n\r\n`);
      socket.once('data', () => socket.end());
    });
  },
  /** Resets every connection after the first answer. */
  reset: (_apiPort, rawPort) => {
    every(150, () => {
      const socket = open(rawPort, false);
      socket.write('hello\n');
      socket.once('data', () => socket.resetAndDestroy());
    });
  },
  /** A new connection for every request: `connection: close` makes the service close first. */
  churn: (apiPort) => {
    every(25, (turn) => fetchFrom(apiPort, `/quotes-without-pool/${turn}`, false));
  },
  /** Half-closes politely, in turn from either end, and goes on listening or talking on the other half. */
  'half-close': (_apiPort, rawPort) => {
    every(250, (turn) => {
      const socket = open(rawPort, true);
      if (turn % 2 === 0) {
        socket.end('hello\n');
        socket.resume();
        return;
      }
      socket.write('bye\n');
      socket.resume().once('end', () => {
        socket.write('one more thing\n');
        setTimeout(() => socket.end(), 400);
      });
    });
  },
};

const [role = '', apiPort, rawPort] = process.argv.slice(2);
const behave = ROLES[role];
if (behave === undefined) throw new Error(`no such role: ${role}; there are ${Object.keys(ROLES).join(', ')}`);

// Ctrl-C reaches the whole process group; the demo says when it is over by closing the channel.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
behave(Number(apiPort), Number(rawPort));
process.send?.('started');

function every(ms: number, act: (turn: number) => void): void {
  let turn = 0;
  act(turn++);
  setInterval(() => act(turn++), ms);
}

function open(port: number, allowHalfOpen: boolean): Socket {
  // The service goes away at the end of the demo: that is no news.
  return connect({ port, host: HOST, allowHalfOpen }).on('error', () => undefined);
}

function fetchFrom(port: number, path: string, agent: Agent | false): void {
  get({ port, host: HOST, path, agent }, (response) => response.resume()).on('error', () => undefined);
}
