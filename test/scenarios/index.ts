import { ADOPT_SCENARIOS } from './adopt.ts';
import { CLOSE_SCENARIOS } from './close.ts';
import { CONNECT_SCENARIOS } from './connect.ts';
import { HTTP_SCENARIOS } from './http.ts';
import { PROCESS_SCENARIOS } from './process.ts';
import { PROGRAM_SCENARIOS } from './program.ts';
import { RESET_SCENARIOS } from './reset.ts';
import type { Scenario } from './scenario.ts';
import { TLS_SCENARIOS } from './tls.ts';
import { UNREAD_SCENARIOS } from './unread.ts';

/** Every scenario, by what it is about. */
export const SCENARIOS: readonly (readonly [subject: string, scenarios: readonly Scenario[]])[] = [
  ['connecting', CONNECT_SCENARIOS],
  ['closing', CLOSE_SCENARIOS],
  ['resetting', RESET_SCENARIOS],
  ['not reading', UNREAD_SCENARIOS],
  ['observed late', ADOPT_SCENARIOS],
  ['listeners and other processes', PROCESS_SCENARIOS],
  ['what programs do to their sockets', PROGRAM_SCENARIOS],
  ['TLS', TLS_SCENARIOS],
  ['HTTP', HTTP_SCENARIOS],
];
