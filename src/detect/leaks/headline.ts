import type { SocketKind } from '../../sockets/socket-kind.ts';
import { UNTRACKED_NAME } from '../../sockets/untracked-sockets.ts';
import { counted, duration, grouped } from '../wording.ts';
import type { LeakFacts, Share } from './leak.ts';
import { printable, quoted } from './printable.ts';

/**
 * How many, where, since when, whose.
 *
 * @example '41 CLOSE_WAIT on `api`, oldest 37 min, all upgraded sockets from GET /stream'
 */
export function headline(group: LeakFacts): string {
  const { sockets, oldestAgeMs } = group;
  const age = sockets === 1 ? `for ${duration(oldestAgeMs)}` : `oldest ${duration(oldestAgeMs)}`;
  return [`${subjectOf(group)}${placeOf(group)}`, age, ...whatOf(group), ...siteOf(group), ...pairOf(group)].join(', ');
}

/** In a headline; the samples have more of it. */
const MAX_NAME = 64;
const MAX_REQUEST = 80;

function subjectOf({ cause, state, sockets }: LeakFacts): string {
  switch (cause) {
    case 'js_open_kernel_gone':
      return counted(sockets, 'dead socket');
    case 'js_gone_fd_open':
      return counted(sockets, 'forgotten descriptor');
    case 'pooled_dead':
      return `${counted(sockets, 'dead connection')} in the pool`;
    case 'untracked':
    case 'not_ended':
    case 'unread_in_node':
    case 'unread_in_kernel':
    case 'write_stalled':
    case 'loop_blocked':
    case 'undetermined':
    case 'peer_keeps_open':
    case 'fin_unacknowledged':
    case 'syn_unanswered':
    case 'half_open':
      return `${grouped(sockets)} ${printable(state, MAX_NAME).toUpperCase()}`;
  }
}

function placeOf({ side, name }: LeakFacts): string {
  if (name === '' || name === UNTRACKED_NAME) return '';
  const preposition = side === 'server' ? 'on' : side === 'client' ? 'to' : 'under';
  return ` ${preposition} ${quoted(name, MAX_NAME)}`;
}

/** The kind of socket, and the request. */
function whatOf({ sockets, kind, requests, side }: LeakFacts): string[] {
  const noun = KINDS[kind];
  const whole = noun === undefined ? undefined : sockets === 1 ? noun[0] : `all ${noun[1]}`;
  const top = requests[0];
  if (top === undefined) return whole === undefined ? [] : [whole];
  const request = `${side === 'client' ? 'for' : 'from'} ${printable(top.value, MAX_REQUEST)}`;
  if (top.sockets >= sockets) {
    return [whole === undefined ? `${sockets === 1 ? '' : 'all '}${request}` : `${whole} ${request}`];
  }
  const share = `${grouped(top.sockets)} of ${grouped(sockets)}`;
  const part = top.sockets * 2 > sockets ? `most ${request} (${share})` : `${share} ${request}`;
  return whole === undefined ? [part] : [whole, part];
}

/** One with its article, and many; none where it would say nothing. */
const KINDS: { readonly [kind in SocketKind]: readonly [one: string, many: string] | undefined } = {
  net: ['a net socket', 'net sockets'],
  tls: ['a TLS socket', 'TLS sockets'],
  http: ['an HTTP connection', 'HTTP connections'],
  http2: ['an HTTP/2 connection', 'HTTP/2 connections'],
  upgraded: ['an upgraded socket', 'upgraded sockets'],
  connect: ['a CONNECT tunnel', 'CONNECT tunnels'],
  client: ['a client socket', 'client sockets'],
  agent: ['an http.Agent connection', 'http.Agent connections'],
  undici: ['an undici connection', 'undici connections'],
  closed: undefined,
  unknown: undefined,
};

/** Of a sample of them only, so without numbers. */
function siteOf({ sites }: LeakFacts): string[] {
  const top = sites[0];
  if (top === undefined) return [];
  const known = sites.reduce((sum, { sockets }) => sum + sockets, 0);
  const how = sites.length === 1 ? '' : top.sockets * 2 > known ? 'most ' : 'some ';
  return [`${how}opened at ${printable(top.value, MAX_REQUEST)}`];
}

function pairOf({ pairedWith, sockets }: LeakFacts): string[] {
  const top: Share | undefined = pairedWith[0];
  if (top === undefined) return [];
  return [`${top.sockets >= sockets ? '' : 'some '}piped into or from ${quoted(top.value, MAX_NAME)}`];
}
