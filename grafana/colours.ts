export { STATE_COLOURS } from '../src/metrics/state-colours.ts';

/** One colour for each reason why a socket is in CLOSE_WAIT, warmer the surer it is that the program has to be changed. */
export const CAUSE_COLOURS = {
  not_ended: '#c4162a',
  unread_in_node: '#ff780a',
  unread_in_kernel: '#fa6400',
  write_stalled: '#e0b400',
  untracked: '#a352cc',
  loop_blocked: '#1f60c4',
  undetermined: '#808893',
} as const;

/** What a verdict looks like where a number is good or bad in itself. */
export const VERDICT_COLOURS = {
  good: '#56a64b',
  bad: '#e02f44',
  neutral: '#6e7687',
} as const;
