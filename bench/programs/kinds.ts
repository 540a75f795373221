/** What is done over and over while the CPU time is taken, observed against bare. */
export const KINDS = [
  'tcp-server',
  'tcp-client',
  'tcp-process',
  'http-process',
  'http',
  'express',
  'keep-alive',
] as const;

/** One of {@link KINDS}, or what only a peer is compared on. */
export type Kind = (typeof KINDS)[number] | 'express-keep-alive';

/** What others add to a program, to see what finwait adds beside it. */
export type Peer = 'otel-net' | 'prom-bundle';

/** Connections or requests of one burst: 20 to 60 ms of CPU. */
export const BURST: { readonly [kind in Kind]: number } = {
  'tcp-server': 600,
  'tcp-client': 500,
  'tcp-process': 500,
  'http-process': 250,
  http: 500,
  express: 250,
  'keep-alive': 2_000,
  'express-keep-alive': 500,
};

/** Whether requests come on connections that stay. */
export function keepsAlive(kind: Kind): boolean {
  return kind === 'keep-alive' || kind === 'express-keep-alive';
}

/** Whether the subject is a client, of a server of the load; of a `process` kind, all of it is observed at once. */
export function isClient(kind: Kind): boolean {
  return kind === 'tcp-client' || isProcess(kind);
}

/** Whether finwait is shown no socket, but finds them. */
export function isProcess(kind: Kind): boolean {
  return kind === 'tcp-process' || kind === 'http-process';
}

/** Whether an Express application answers. */
export function isExpress(kind: Kind): boolean {
  return kind === 'express' || kind === 'express-keep-alive';
}

/** How many are in flight at a time. */
export const IN_FLIGHT = 32;

/** Addresses of 127.0.0.0/8 to spread over, so that no pair of addresses runs out of ports. */
export const ADDRESSES = 8;

/** Calls `one` `count` times, with {@link IN_FLIGHT} of them under way at any moment. */
export async function flight(count: number, one: (index: number) => Promise<void>): Promise<void> {
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < count) await one(started++);
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, lane));
}
