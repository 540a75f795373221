import type net from 'node:net';
import { listen } from './http-pair.ts';

/** What a test has opened, to be closed after it. */
export class CleanUps {
  #actions: (() => unknown)[] = [];

  push(action: () => unknown): void {
    this.#actions.push(action);
  }

  /** Destroys it in the end; whatever becomes of it before is not the test's. */
  keep<T extends NodeJS.EventEmitter & { destroy(): unknown }>(target: T): T {
    this.push(() => target.destroy());
    target.on('error', () => undefined);
    return target;
  }

  /** Listens on loopback. Returns the port. */
  async serve<T extends net.Server>(server: T): Promise<number> {
    server.on('connection', (socket: net.Socket) => this.keep(socket));
    this.push(() => server.close());
    return listen(server);
  }

  /** The newest first. */
  async run(): Promise<void> {
    const actions = this.#actions;
    this.#actions = [];
    for (const action of actions.reverse()) await action();
  }
}
