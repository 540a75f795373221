import { OPEN, type Scenario } from './scenario.ts';

const TWO_OPEN = { client: ['ESTABLISHED', 'ESTABLISHED'], server: ['ESTABLISHED', 'ESTABLISHED'] } as const;
const BOTH_OPEN = { client: 'ESTABLISHED', server: 'ESTABLISHED' } as const;

/** What programs do to their sockets beside closing them. */
export const PROGRAM_SCENARIOS: readonly Scenario[] = [
  {
    title: 'removing all listeners blinds nobody',
    stages: [
      OPEN,
      {
        do: ['client drops its listeners', 'server drops its listeners', 'client ends'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'an error that is passed on to another socket says nothing about that socket',
    stages: [
      OPEN,
      { do: ['connect'] },
      {
        do: ['server 1 dies of the error of client 2', 'server 2 resets'],
        sees: ['client 2 close', 'server 1 error', 'server 1 close', 'client 1 close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'an error that is passed on from a socket that is not observed says nothing either',
    client: { observed: false },
    stages: [
      { do: ['connect', 'connect'], kernel: TWO_OPEN, foreign: { client: TWO_OPEN.client } },
      {
        do: ['server 1 dies of the error of client 2', 'server 2 resets'],
        sees: ['client 2 close', 'server 1 error', 'server 1 close', 'client 1 close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'an error that is passed on to a TLS socket says nothing about that socket',
    over: 'tls',
    // Its own close_notify would be answered with an RST.
    client: { observed: false, allowHalfOpen: true },
    stages: [
      { do: ['connect', 'connect'], kernel: TWO_OPEN, foreign: { client: TWO_OPEN.client } },
      {
        do: ['server 1 dies of the error of client 2', 'client 2 fails as if it was reset'],
        sees: ['client 2 close', 'server 1 error', 'server 1 close', 'client 1 end', 'server 2 close'],
        kernel: { client: 'CLOSE_WAIT', server: 'FIN_WAIT_2' },
        foreign: { client: 'CLOSE_WAIT' },
      },
    ],
  },
  {
    title: 'events that a program emits by hand move nothing',
    emitsByHand: true,
    server: { allowHalfOpen: true },
    client: { allowHalfOpen: true },
    stages: [
      OPEN,
      {
        do: [
          'server emits connect',
          'server emits end',
          'server emits finish',
          'server emits close',
          'server emits error',
        ],
        kernel: BOTH_OPEN,
        node: BOTH_OPEN,
      },
      {
        do: [
          'client emits connect',
          'client emits end',
          'client emits finish',
          'client emits close',
          'client emits error',
        ],
        kernel: BOTH_OPEN,
        node: BOTH_OPEN,
      },
      {
        do: ['client ends'],
        sees: ['server end'],
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
    title: 'events that a program emits by hand on a socket that was destroyed in the same tick',
    emitsByHand: true,
    stages: [
      OPEN,
      {
        do: ['client destroys', 'client emits error', 'client emits end', 'client emits close'],
        sees: ['server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a timeout is no transition',
    stages: [OPEN, { do: ['server sets a timeout'], sees: ['server timeout'], kernel: BOTH_OPEN, node: BOTH_OPEN }],
  },
];
