/** What is done over and over while the CPU time is taken. */
export const KINDS = ['tcp-server', 'tcp-client', 'http', 'express', 'keep-alive'] as const;

/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number];

/** Connections or requests of one burst: 20 to 60 ms of CPU. */
export const BURST: { readonly [kind in Kind]: number } = {
  'tcp-server': 600,
  'tcp-client': 500,
  http: 500,
  express: 250,
  'keep-alive': 2_000,
};

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
