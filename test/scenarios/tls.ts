import { OPEN, type Scenario } from './scenario.ts';

const BOTH_OPEN = { client: 'ESTABLISHED', server: 'ESTABLISHED' } as const;
const CLIENT_KEEPS = { client: 'TIME_WAIT', server: 'CLOSED' } as const;

/** TLS: one descriptor, two socket objects, and an end that may come without a FIN. */
export const TLS_SCENARIOS: readonly Scenario[] = [
  {
    title: 'the client ends',
    over: 'tls',
    stages: [OPEN, { do: ['client ends'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS }],
  },
  {
    title: 'the server ends',
    over: 'tls',
    stages: [
      OPEN,
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a destroyed client answers the close_notify of the server with an RST',
    over: 'tls',
    stages: [
      OPEN,
      {
        do: ['client destroys'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a half-open server that never ends leaks CLOSE_WAIT',
    over: 'tls',
    server: { allowHalfOpen: true },
    stages: [
      OPEN,
      {
        do: ['client ends'],
        sees: ['server end'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
      { do: ['server destroys'], sees: ['server close', 'client close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'plaintext that nobody reads hides the end',
    over: 'tls',
    server: { reads: false },
    stages: [
      OPEN,
      {
        do: ['client ends with 5'],
        sees: ['client finish'],
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
    ],
  },
  {
    title: 'close_notify without a FIN ends nothing in the kernel',
    over: 'tls',
    server: { allowHalfOpen: true },
    client: { speaks: 'TLS over a stream' },
    stages: [
      { do: ['connect'], kernel: BOTH_OPEN },
      { do: ['client sends close_notify'], sees: ['server end'], kernel: BOTH_OPEN, node: { client: 'ESTABLISHED' } },
      { do: ['server ends'], sees: ['server close'], kernel: { client: 'CLOSE_WAIT', server: 'FIN_WAIT_2' } },
      { do: ['client destroys'], sees: ['client close'], kernel: { client: 'CLOSED', server: 'TIME_WAIT' } },
    ],
  },
  {
    title: 'a TLS client over a connected socket is the same kernel socket',
    over: 'tls',
    client: { speaks: 'plain', reads: false },
    stages: [
      { do: ['connect'], kernel: BOTH_OPEN },
      {
        do: ['client is upgraded to TLS that is observed'],
        sees: ['client secure', 'server secure'],
        kernel: BOTH_OPEN,
      },
      { do: ['client ends'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a TLS client over a connected socket, of which only that socket is observed',
    over: 'tls',
    client: { speaks: 'plain', reads: false },
    stages: [
      { do: ['connect'], kernel: BOTH_OPEN },
      { do: ['client is upgraded to TLS'], sees: ['client secure', 'server secure'], kernel: BOTH_OPEN },
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'STARTTLS: the accepted socket is upgraded, and the TLSSocket is shown to finwait',
    server: { reads: false },
    client: { reads: false },
    stages: [
      OPEN,
      {
        do: ['server is upgraded to TLS that is observed', 'client is upgraded to TLS that is observed'],
        sees: ['client secure', 'server secure'],
        kernel: BOTH_OPEN,
      },
      { do: ['client ends'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'STARTTLS: the accepted socket is upgraded, and nobody tells finwait',
    server: { reads: false },
    client: { reads: false },
    stages: [
      OPEN,
      {
        do: ['server is upgraded to TLS', 'client is upgraded to TLS'],
        sees: ['client secure', 'server secure'],
        kernel: BOTH_OPEN,
      },
      { do: ['client ends'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a client that speaks no TLS',
    over: 'tls',
    client: { speaks: 'plain' },
    stages: [
      { do: ['connect'], kernel: BOTH_OPEN },
      {
        do: ['client says garbage'],
        sees: ['listener tlsClientError', 'server close', 'client close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
];
