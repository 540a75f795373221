// The handshake, a half-close, the four-way close, a simultaneous close and a reset, one step at a time, with both ends
// in this process. Every state that is printed was read at that moment. Run: npx tsx examples/handshake.ts
//
// What holds a step still is a peer that does not read: a FIN queues behind the bytes that its window has no room for.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMonitor, type Monitor, type Snapshot, type StateLabel } from 'finwait';

const HOST = '127.0.0.1';
/** More than the receive buffer of a peer that does not read, less than our own send buffer takes besides. */
const MUCH: Buffer = Buffer.alloc(512 * 1024);
/** An acknowledgement may be delayed by 40 ms. */
const REST_MS = 60;

async function conversation(): Promise<void> {
  console.log('\nTHREE-WAY HANDSHAKE, HALF-CLOSE, FOUR-WAY CLOSE');
  const stage = new Stage();
  await stage.listen(1);
  await stage.show('server.listen(): the passive open');

  // Two connections fill an accept queue of 1 before this event loop accepts any: the SYN of the third is dropped, and
  // sent again a second later. SYN_RECEIVED is over in microseconds here; no reading of ss can catch it.
  stage.dial();
  stage.dial();
  const client = stage.connect();
  await once(client, 'connectionAttempt');
  await stage.show('client.connect(), while the accept queue is full: SYN sent, no answer');
  const server = await stage.established();
  await stage.show('SYN sent again; SYN and ACK, then ACK: the handshake is complete');

  client.end(MUCH);
  await once(client, 'finish');
  await stage.show('client.end(data), while the server does not read: the FIN waits behind the data');
  server.resume();
  await once(server, 'end');
  await stage.show('server reads to the end: FIN and its ACK. The half-close: the server may go on');
  server.end(MUCH);
  await closed(server);
  await stage.show('server.end(data), while the client does not read: the second FIN waits');
  client.resume();
  await closed(client);
  await stage.show('client reads to the end: the second FIN and its ACK');
  stage.end();
}

async function simultaneousClose(): Promise<void> {
  console.log('\nSIMULTANEOUS CLOSE: neither end has seen the FIN of the other when it sends its own');
  const stage = new Stage();
  await stage.listen();
  const client = stage.connect().resume();
  const server = await stage.established();
  await stage.show('connected');
  client.end(MUCH);
  await once(client, 'finish');
  await stage.show('client.end(data), while the server does not read: its FIN waits behind the data');
  server.end();
  await closed(client);
  await stage.show(
    "server.end(): the FINs cross. Node has closed the client's descriptor, the kernel has not finished",
  );
  server.resume();
  await closed(server);
  await stage.show('server reads to the end: both FINs are acknowledged, and both ends wait');
  stage.end();
}

async function reset(): Promise<void> {
  console.log('\nRESET');
  const stage = new Stage();
  await stage.listen();
  const client = stage.connect();
  const server = await stage.established();
  server.resume();
  await stage.show('connected');
  client.resetAndDestroy();
  await closed(server);
  await stage.show('client.resetAndDestroy(): an RST ends both ends at once, and nobody waits');
  stage.end();
}

type End = 'client' | 'server';

/** One server, one client and a monitor that watches both. */
class Stage {
  readonly #monitor: Monitor = createMonitor();
  readonly #server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  readonly #events: { readonly [end in End]: string[] } = { client: [], server: [] };
  #client: Socket | undefined;
  #clientPort: number | undefined;
  #accepted: Socket | undefined;
  #steps = 0;

  async listen(backlog = 511): Promise<void> {
    this.#monitor.observeServer(this.#server, { name: 'server' });
    this.#server.on('listening', () => this.#events.server.push('listening'));
    this.#server.on('connection', (socket) => this.#accept(socket));
    this.#server.listen(0, HOST, backlog);
    await once(this.#server, 'listening');
  }

  /** Opens a connection that is not looked at. */
  dial(): Socket {
    return openSocket({ port: this.#port, host: HOST, allowHalfOpen: true }).on('error', () => undefined);
  }

  /** Opens the connection that is looked at. */
  connect(): Socket {
    const client = this.dial();
    this.#client = client;
    this.#monitor.observeSocket(client, { name: 'client' });
    record(client, this.#events.client);
    return client;
  }

  /** Waits until both ends know of the connection. Returns the server's end. */
  async established(): Promise<Socket> {
    if (this.#client?.connecting) await once(this.#client, 'connect');
    while (this.#accepted === undefined) await once(this.#server, 'connection');
    return this.#accepted;
  }

  /** Waits until nothing moves any more, then reads both columns of both ends and prints them. */
  async show(title: string): Promise<void> {
    this.#clientPort ??= this.#client?.localPort;
    await atRest(this.#port);
    await this.#monitor.sample();
    const snapshot = this.#monitor.snapshot();
    const rows = readRows(this.#port);
    console.log(`\n${++this.#steps}. ${title}`);
    print(['', "Node's events", "Node's column", "finwait's join", 'the row in ss']);
    for (const end of ['client', 'server'] as const) {
      const [state, doubt] = this.#nodeColumn(snapshot, end);
      const events = this.#events[end].splice(0).join(' ');
      const join = joinedState(snapshot, end, this.#accepted !== undefined)?.toUpperCase();
      print([end, events || '-', state, join ?? '-', this.#rowOf(end, rows) ?? '-']);
      if (doubt !== '') print(['', '', doubt]);
    }
  }

  end(): void {
    this.#client?.destroy();
    this.#server.close();
    this.#monitor.close();
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    this.#clientPort ??= this.#client?.localPort;
    if (socket.remotePort !== this.#clientPort) {
      socket.resetAndDestroy();
      return;
    }
    this.#accepted = socket;
    this.#events.server.push('connection');
    record(socket, this.#events.server);
  }

  /** What Node's events allow to conclude, and the alternatives that it names. */
  #nodeColumn({ sockets }: Snapshot, end: End): readonly [state: string, doubt: string] {
    const node = sockets.find(({ side }) => side === end)?.node;
    if (node !== undefined) {
      const others = node.alternatives.map((state) => state.toUpperCase()).join(' ');
      return [`${node.state.toUpperCase()}, ${node.certainty}`, others && `or ${others}`];
    }
    const socket = end === 'client' ? this.#client : this.#accepted;
    if (socket !== undefined) return ["ended at 'close'", ''];
    return [end === 'server' ? 'LISTEN' : '-', ''];
  }

  /** The end's own row; until the server has accepted, its row is the listener's. */
  #rowOf(end: End, rows: readonly string[]): string | undefined {
    const mine = `${HOST}:${this.#clientPort}`;
    const ownIndex = end === 'client' ? 3 : 4;
    const own = rows.find((row) => row.split(/\s+/)[ownIndex] === mine);
    if (own !== undefined || end === 'client' || this.#accepted !== undefined) return own;
    return rows.find((row) => row.startsWith('LISTEN'));
  }
}

/** The kernel's state that finwait joined to an end; after 'close' it is found by the addresses alone. */
function joinedState({ sockets, names }: Snapshot, end: End, accepted: boolean): StateLabel | undefined {
  const open = sockets.find(({ side }) => side === end)?.kernel;
  if (open !== undefined) return open;
  const counts = names.find(({ side }) => side === end)?.kernel;
  const present = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  const states = present.map(([state]) => state as StateLabel);
  return states.find((state) => state !== 'listen') ?? (accepted ? undefined : states[0]);
}

/** Not events.once, which rejects where 'error' comes first. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

function record(socket: Socket, into: string[]): void {
  for (const event of ['connectionAttempt', 'connect', 'end', 'finish', 'close']) {
    socket.on(event, () => into.push(event));
  }
  socket.on('error', (error: NodeJS.ErrnoException) => into.push(`error ${error.code}`));
}

async function atRest(port: number): Promise<void> {
  let before: string;
  let now = readRows(port).join('\n');
  do {
    before = now;
    await sleep(REST_MS);
    now = readRows(port).join('\n');
  } while (now !== before);
}

/** The rows of both ends, straight from ss; without ss the kernel's column stays empty. */
function readRows(port: number): string[] {
  const filter = `( sport = :${port} or dport = :${port} )`;
  const { stdout } = spawnSync('ss', ['-Htan', filter], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').map((row) => row.trim().replace(/\s+/g, ' '));
}

function print([end = '', events = '', node = '', join = '', row = '']: readonly string[]): void {
  const line = `   ${end.padEnd(8)}${events.padEnd(26)}${node.padEnd(24)}${join.padEnd(16)}${row}`;
  console.log(line.trimEnd());
}

await conversation();
await simultaneousClose();
await reset();
