import { OPEN, type Scenario } from './scenario.ts';

const BOTH_GONE = { client: 'CLOSED', server: 'CLOSED' } as const;

/** An RST from either end, and who notices. */
export const RESET_SCENARIOS: readonly Scenario[] = [
  {
    title: 'the client resets an idle connection',
    stages: [
      OPEN,
      {
        do: ['client resets'],
        sees: ['client close', 'server error', 'server close'],
        kernel: BOTH_GONE,
        node: BOTH_GONE,
        observed: ['client', 'server'],
      },
    ],
  },
  {
    title: 'the server resets an idle connection',
    stages: [
      OPEN,
      {
        do: ['server resets'],
        sees: ['server close', 'client error', 'client close'],
        kernel: BOTH_GONE,
        node: BOTH_GONE,
        observed: ['client', 'server'],
      },
    ],
  },
  {
    title: 'both reset in one tick',
    stages: [
      OPEN,
      { do: ['client resets', 'server resets'], sees: ['client close', 'server close'], kernel: BOTH_GONE },
    ],
  },
  {
    title: 'a socket that is paused with an empty buffer still reads, and sees the RST',
    stages: [
      OPEN,
      {
        do: ['server pauses', 'client resets'],
        sees: ['server error', 'server close'],
        kernel: BOTH_GONE,
        observed: ['server'],
      },
    ],
  },
  {
    title: 'a socket that was accepted paused sees no RST, but the next sample does',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      {
        do: ['client resets'],
        sees: ['client close'],
        kernel: BOTH_GONE,
        node: BOTH_GONE,
        observed: ['client', 'server'],
      },
      { do: ['server writes 5'], sees: ['server error', 'server close'], kernel: BOTH_GONE, observed: ['server'] },
    ],
  },
  {
    title: 'a socket whose buffer is full sees no RST, but the next sample does',
    server: { reads: false },
    stages: [
      OPEN,
      { do: ['client writes 1000000'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      { do: ['client resets'], sees: ['client close'], kernel: BOTH_GONE, node: BOTH_GONE, observed: ['server'] },
    ],
  },
  {
    title: 'a blind socket that ends after an RST sends nothing, though Node says finish',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      { do: ['client resets'], sees: ['client close'] },
      { do: ['server ends'], sees: ['server finish'], kernel: BOTH_GONE },
    ],
  },
  {
    title: 'an RST in CLOSE_WAIT leaves a ghost: no event of Node, but the next sample sees it',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['server end'], kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } },
      { do: ['client resets'], sees: ['client close'], kernel: BOTH_GONE, node: BOTH_GONE, observed: ['server'] },
    ],
  },
  {
    title: 'a server in CLOSE_WAIT resets',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['server end'], kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } },
      {
        do: ['server resets'],
        sees: ['server close', 'client error', 'client close'],
        kernel: BOTH_GONE,
        node: BOTH_GONE,
        observed: ['client', 'server'],
      },
    ],
  },
  {
    title: 'an end that was read before an RST is not taken back by it',
    server: { allowHalfOpen: true, reads: false },
    stages: [
      OPEN,
      {
        do: ['client ends with 5'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
      { do: ['client resets'], sees: ['client close'], kernel: BOTH_GONE, node: BOTH_GONE },
      { do: ['server reads'], sees: ['server end'], kernel: BOTH_GONE, node: BOTH_GONE },
    ],
  },
  {
    title: 'end() and resetAndDestroy() in one tick: Node says EINVAL and keeps the descriptor, the FIN goes out',
    neverCloses: true,
    stages: [
      OPEN,
      {
        do: ['client ends', 'client resets'],
        sees: ['client error', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'destroying with unread bytes in the queue of the kernel is an RST',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      { do: ['client writes 5'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['server destroys'],
        sees: ['server close', 'client error', 'client close'],
        kernel: BOTH_GONE,
        observed: ['client'],
      },
    ],
  },
  {
    title: 'destroying with more unread bytes than Node buffers is an RST',
    server: { reads: false },
    stages: [
      OPEN,
      { do: ['client writes 1000000'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      { do: ['server destroys'], sees: ['server close', 'client error', 'client close'], kernel: BOTH_GONE },
    ],
  },
  {
    title: 'destroying with unread bytes in the buffer of Node alone is a FIN',
    server: { reads: false },
    stages: [
      OPEN,
      { do: ['client writes 5'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['server destroys'],
        sees: ['server close', 'client close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
        node: { server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'an RST while much is being written',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      { do: ['client writes 20000000'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['server resets'],
        sees: ['client error', 'client close'],
        kernel: BOTH_GONE,
        observed: ['client', 'server'],
      },
    ],
  },
  {
    title: 'a socket that resets, connects again and is destroyed did not reset twice',
    stages: [
      OPEN,
      { do: ['client resets'], sees: ['client close', 'server close'], kernel: BOTH_GONE },
      { do: ['client dials'], sees: ['client connect'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['client destroys'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'resetAndDestroy() while connecting waits for the handshake',
    stages: [
      {
        do: ['dial', 'client resets'],
        sees: ['client connect', 'client close', 'server error', 'server close'],
        kernel: BOTH_GONE,
        observed: ['client', 'server'],
      },
    ],
  },
  {
    title: 'a connection that was reset in the accept queue is dead when it is accepted',
    stages: [
      {
        do: ['a client comes, writes and resets while the event loop is blocked'],
        sees: ['server connection', 'server close'],
        kernel: BOTH_GONE,
      },
    ],
  },
];
