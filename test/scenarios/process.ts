import { OPEN, type Scenario } from './scenario.ts';

/** Listeners, limits and other processes. */
export const PROCESS_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a listener closes at once, its connections live on, and it listens again',
    stages: [
      OPEN,
      { do: ['stop listening'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED', listeners: 0 } },
      { do: ['listen'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED', listeners: 1 } },
      { do: ['connect'], kernel: { client: ['ESTABLISHED', 'ESTABLISHED'], server: ['ESTABLISHED', 'ESTABLISHED'] } },
      {
        do: ['server 1 ends'],
        sees: ['client 1 close', 'server 1 close'],
        kernel: { client: 'ESTABLISHED', server: ['ESTABLISHED', 'TIME_WAIT'] },
      },
    ],
  },
  {
    title: 'a listener that is closed with its last connection',
    stages: [
      OPEN,
      {
        do: ['stop listening', 'server ends'],
        sees: ['client close', 'server close', 'listener close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT', listeners: 0 },
      },
    ],
  },
  {
    title: 'a connection beyond maxConnections is closed by Node without a socket',
    server: { maxConnections: 1 },
    stages: [
      OPEN,
      {
        do: ['dial'],
        sees: ['listener drop', 'client 2 close'],
        kernel: { client: 'ESTABLISHED', server: ['ESTABLISHED', 'TIME_WAIT'] },
        unattributed: { server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a socket that is sent to another process is that process’s from then on',
    stages: [
      OPEN,
      {
        do: ['server is sent to another process'],
        kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
        foreign: { server: 'ESTABLISHED' },
      },
      {
        do: ['client destroys'],
        sees: ['client close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a unix socket has no TCP state',
    over: 'unix',
    stages: [
      { do: ['connect'], kernel: { client: 'CLOSED', server: 'CLOSED' } },
      { do: ['client ends'], sees: ['client close', 'server close'], kernel: { client: 'CLOSED', server: 'CLOSED' } },
    ],
  },
  {
    title: 'two monitors see the same and count nothing twice',
    stages: [
      { do: ['a second monitor watches too'] },
      OPEN,
      { do: ['a second monitor watches too'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
];
