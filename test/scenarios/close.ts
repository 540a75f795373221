import { OPEN, type Scenario } from './scenario.ts';

/** Who closes, who closes first, and who does not close. */
export const CLOSE_SCENARIOS: readonly Scenario[] = [
  {
    title: 'the client ends first and keeps TIME_WAIT',
    stages: [
      OPEN,
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'the server ends first and keeps TIME_WAIT',
    stages: [
      OPEN,
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
        node: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'whoever ends first is known by its addresses, even if no sample ever saw it',
    stages: [
      { do: ['connect'] },
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
      { do: ['connect'] },
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'both end in one tick: on loopback the second FIN is an answer to the first already',
    stages: [
      OPEN,
      {
        do: ['client ends', 'server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'both destroy in one tick',
    stages: [
      OPEN,
      {
        do: ['client destroys', 'server destroys'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a half-open server goes on until it ends too',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      {
        do: ['client ends'],
        sees: ['server end'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
      {
        do: ['server writes 5'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a half-open client goes on until it ends too',
    client: { allowHalfOpen: true },
    stages: [
      OPEN,
      {
        do: ['server ends'],
        sees: ['client end'],
        kernel: { client: 'CLOSE_WAIT', server: 'FIN_WAIT_2' },
        node: { client: 'CLOSE_WAIT' },
      },
      {
        do: ['client writes 5'],
        kernel: { client: 'CLOSE_WAIT', server: 'FIN_WAIT_2' },
      },
      {
        do: ['client ends with 5'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
        node: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a half-open server that never ends leaks CLOSE_WAIT, and learns of the death of its peer by writing twice',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['server end'], kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } },
      {
        do: ['client destroys'],
        sees: ['client close'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
      },
      {
        // Data for an orphan is answered with an RST, of which Node says nothing: it does not read any more.
        do: ['server writes 5'],
        kernel: { client: 'CLOSED', server: 'CLOSED' },
        node: { server: 'CLOSED' },
        observed: ['server'],
      },
      {
        do: ['server writes 5'],
        sees: ['server error', 'server close'],
        kernel: { client: 'CLOSED', server: 'CLOSED' },
        observed: ['server'],
      },
    ],
  },
  {
    title: 'a half-open server in CLOSE_WAIT destroys its end',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      { do: ['client ends'], sees: ['server end'], kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } },
      {
        do: ['server destroys'],
        sees: ['server close', 'client close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'the client destroys with nothing unread: a FIN',
    stages: [
      OPEN,
      {
        do: ['client destroys'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a client that is destroyed before any sample keeps TIME_WAIT',
    stages: [
      { do: ['connect'] },
      {
        do: ['client destroys'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a socket that is destroyed as it is accepted keeps TIME_WAIT',
    server: { onConnection: ['server destroys'] },
    stages: [
      {
        do: ['connect'],
        sees: ['server close', 'client close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a socket that is answered and ended as it is accepted keeps TIME_WAIT',
    server: { onConnection: ['server ends with 5'] },
    stages: [
      {
        do: ['connect'],
        sees: ['server close', 'client close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
        node: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'an error of the program destroys with a FIN, not with an RST',
    stages: [
      OPEN,
      {
        do: ['client fails'],
        sees: ['client error', 'client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'leaving a for-await loop destroys the socket',
    server: { reads: false },
    stages: [
      OPEN,
      {
        do: ['client writes 5', 'server leaves its loop'],
        sees: ['server close', 'client close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'destroySoon sends what is written and a FIN, and leaves FIN_WAIT_2 without an owner',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      {
        do: ['client writes 5', 'client destroys soon'],
        sees: ['client close', 'server end'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
      },
      {
        do: ['server ends'],
        sees: ['server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'IPv6 is no different',
    server: { host: '::1' },
    client: { host: '::1' },
    stages: [
      OPEN,
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
        node: { server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'on a dual-stack listener the IPv4 client and its mapped server row are one connection',
    server: { host: '::', allowHalfOpen: true },
    stages: [
      OPEN,
      { do: ['server ends'], sees: ['client close'], kernel: { client: 'CLOSED', server: 'TIME_WAIT' } },
      { do: ['connect'], kernel: { client: 'ESTABLISHED', server: ['ESTABLISHED', 'TIME_WAIT'] } },
      {
        do: ['client ends'],
        sees: ['server end'],
        kernel: { client: 'FIN_WAIT_2', server: ['CLOSE_WAIT', 'TIME_WAIT'] },
      },
    ],
  },
];
