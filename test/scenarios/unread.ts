import { OPEN, type Scenario } from './scenario.ts';

const BOTH_OPEN = { client: 'ESTABLISHED', server: 'ESTABLISHED' } as const;
const CLIENT_KEEPS = { client: 'TIME_WAIT', server: 'CLOSED' } as const;
const HALF_CLOSED = { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } as const;

/** Bytes that nobody reads, and what they hide or hold back. */
export const UNREAD_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a FIN without data is noticed by a socket that nobody reads',
    server: { reads: false },
    stages: [OPEN, { do: ['client ends'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS }],
  },
  {
    title: 'a FIN behind a few unread bytes is no event, but the next sample sees CLOSE_WAIT',
    server: { reads: false },
    stages: [
      OPEN,
      { do: ['client ends with 5'], sees: ['client finish'], kernel: HALF_CLOSED, node: { server: 'CLOSE_WAIT' } },
      { do: ['server reads'], sees: ['server end', 'server close'], kernel: CLIENT_KEEPS, node: { server: 'CLOSED' } },
    ],
  },
  {
    title: 'a FIN behind a few unread bytes, and the socket is destroyed',
    server: { reads: false },
    stages: [
      OPEN,
      { do: ['client ends with 5'], sees: ['client finish'], kernel: HALF_CLOSED, node: { server: 'CLOSE_WAIT' } },
      { do: ['server destroys'], sees: ['server close', 'client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a FIN behind a few unread bytes, and the socket ends: the descriptor outlives its connection',
    server: { reads: false },
    stages: [
      OPEN,
      { do: ['client ends with 5'], sees: ['client finish'], kernel: HALF_CLOSED },
      {
        do: ['server ends'],
        sees: ['server finish', 'client close'],
        kernel: CLIENT_KEEPS,
        node: { server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a FIN that arrives while the program has paused the socket with data in the buffer',
    stages: [
      OPEN,
      {
        do: ['server pauses', 'client ends with 5'],
        sees: ['client finish'],
        kernel: HALF_CLOSED,
        node: { server: 'CLOSE_WAIT' },
      },
      { do: ['server reads'], sees: ['server close', 'client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a FIN behind more than Node and the kernel buffer waits with its sender',
    server: { reads: false },
    stages: [
      OPEN,
      {
        do: ['client ends with 1000000'],
        sees: ['client finish'],
        kernel: { client: 'FIN_WAIT_1', server: 'ESTABLISHED' },
        node: { client: 'FIN_WAIT_1', server: 'ESTABLISHED' },
      },
      { do: ['server reads'], sees: ['server close', 'client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a FIN to a socket that was accepted paused is invisible to Node',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['client finish'], kernel: HALF_CLOSED },
      { do: ['server reads'], sees: ['server close', 'client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a blind socket ends after a FIN it did not see: the descriptor outlives its connection',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['client finish'], kernel: HALF_CLOSED },
      { do: ['server ends'], sees: ['server finish', 'client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'end() with more to write than the peer takes sends no FIN',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      { do: ['client ends with 20000000'], kernel: BOTH_OPEN, node: BOTH_OPEN },
      { do: ['server reads'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a FIN that waits behind unsent data is FIN_WAIT_1, and a FIN from the peer makes it CLOSING',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      {
        do: ['client ends with 1000000'],
        sees: ['client finish'],
        kernel: { client: 'FIN_WAIT_1', server: 'ESTABLISHED' },
        node: { client: 'FIN_WAIT_1' },
      },
      {
        do: ['server ends'],
        sees: ['server finish', 'client end', 'client close'],
        kernel: { client: 'CLOSING', server: 'FIN_WAIT_2' },
      },
      {
        do: ['server reads'],
        sees: ['server close'],
        kernel: { client: 'TIME_WAIT', server: 'TIME_WAIT' },
        node: { client: 'TIME_WAIT', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'CLOSING with a descriptor, because nobody read what came before the FIN of the peer',
    server: { pauseOnConnect: true, reads: false },
    client: { reads: false },
    stages: [
      OPEN,
      {
        do: ['client ends with 1000000'],
        sees: ['client finish'],
        kernel: { client: 'FIN_WAIT_1', server: 'ESTABLISHED' },
      },
      {
        do: ['server ends with 5'],
        sees: ['server finish'],
        kernel: { client: 'CLOSING', server: 'FIN_WAIT_2' },
      },
      { do: ['server reads'], sees: ['server close'], kernel: { client: 'TIME_WAIT', server: 'TIME_WAIT' } },
      { do: ['client reads'], sees: ['client close'], kernel: { client: 'TIME_WAIT', server: 'TIME_WAIT' } },
    ],
  },
  {
    title: 'the last FIN waits behind unsent data in LAST_ACK, after its descriptor is closed',
    server: { allowHalfOpen: true },
    client: { reads: false },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['server end'], kernel: HALF_CLOSED },
      {
        do: ['server ends with 1000000'],
        sees: ['server close'],
        kernel: { client: 'FIN_WAIT_2', server: 'LAST_ACK' },
      },
      { do: ['client reads'], sees: ['client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'destroying with pending writes leaves FIN_WAIT_1 without an owner until the peer reads',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      {
        do: ['client writes 20000000', 'client destroys'],
        sees: ['client close'],
        kernel: { client: 'FIN_WAIT_1', server: 'ESTABLISHED' },
      },
      { do: ['server reads'], sees: ['server close'], kernel: CLIENT_KEEPS, node: { client: 'TIME_WAIT' } },
    ],
  },
  {
    title: 'a peer that resets what waits in FIN_WAIT_1',
    server: { pauseOnConnect: true, reads: false },
    stages: [
      OPEN,
      {
        do: ['client ends with 1000000'],
        sees: ['client finish'],
        kernel: { client: 'FIN_WAIT_1', server: 'ESTABLISHED' },
      },
      {
        do: ['server resets'],
        sees: ['server close', 'client error', 'client close'],
        kernel: { client: 'CLOSED', server: 'CLOSED' },
        observed: ['client', 'server'],
      },
    ],
  },
];
