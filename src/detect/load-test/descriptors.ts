import { grouped } from '../wording.ts';
import { seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import type { LoadSample, ProcessSample } from './load-sample.ts';
import { finite, spanOf, wholeLoad } from './load-window.ts';

/** libuv keeps one descriptor in reserve, and opens others for an instant. */
const NEARLY = 3;

/** Descriptors of the server or of the load generator that came to their limit. */
export function checkDescriptors(run: LoadRun): Finding | undefined {
  const target = fullest(run, ({ target }) => target);
  const generator = fullest(run, ({ generator }) => generator);
  const full = target ?? generator;
  if (full === undefined) return undefined;
  const { openFds, fdLimit, span } = full;
  const isTarget = full === target;
  const whose = isTarget ? 'The server' : 'The load generator';
  const consequence = isTarget
    ? 'what it accepts beyond that is closed at once, without an event'
    : 'it could open no more connections, whatever the server does';
  return {
    kind: 'descriptors_exhausted',
    impact: isTarget ? 0.95 : 0.9,
    confidence: 'proven',
    sentence: `${whose} had ${grouped(openFds)} of ${grouped(fdLimit)} descriptors open: ${consequence}.`,
    evidence: [
      ...seen('descriptors of the server', target?.openFds, 'target', (open) => of(open, target?.fdLimit)),
      ...seen('descriptors of the load generator', generator?.openFds, 'generator', (open) =>
        of(open, generator?.fdLimit),
      ),
    ],
    advice: isTarget
      ? [
          'Raise the limit of the server: `ulimit -n 65536` before it starts, `LimitNOFILE=65536` in its systemd unit, `--ulimit nofile=65536` with Docker.',
          "If connections pile up, close them: `server.maxConnections` refuses above a number you choose, and emits 'drop'; look for sockets and files that nobody closes.",
        ]
      : [
          'Raise the limit of the load generator: `ulimit -n 65536` in the shell that starts it.',
          'Or load with fewer connections, or from several processes.',
        ],
    ...(span === undefined ? {} : { seen: span }),
    explains: isTarget
      ? [
          'accept_queue_full',
          'connections_refused',
          'syn_dropped',
          'keep_alive_race',
          'resets',
          'leak',
          'generator_limited',
          'server_busy',
        ]
      : ['connections_not_reused', 'generator_limited'],
  };
}

/** Whether the server had none left: what it accepted then it closed at once, and says nothing of how it closes. */
export function isOutOfDescriptors(run: LoadRun): boolean {
  return fullest(run, ({ target }) => target) !== undefined;
}

interface Full {
  readonly openFds: number;
  readonly fdLimit: number;
  readonly span: Finding['seen'];
}

function fullest(run: LoadRun, of: (sample: LoadSample) => ProcessSample | undefined): Full | undefined {
  const looks = wholeLoad(run).seen.filter((sample) => isFull(of(sample)));
  const worst = of(looks.at(-1) ?? NO_SAMPLE);
  if (worst?.openFds === undefined || worst.fdLimit === undefined) return undefined;
  return { openFds: worst.openFds, fdLimit: worst.fdLimit, span: spanOf(looks) };
}

function isFull(process: ProcessSample | undefined): boolean {
  const openFds = finite(process?.openFds);
  const fdLimit = finite(process?.fdLimit);
  return openFds !== undefined && fdLimit !== undefined && openFds > 0 && openFds >= fdLimit - NEARLY;
}

function of(open: number, limit: number | undefined): string {
  return limit === undefined ? grouped(open) : `${grouped(open)} of ${grouped(limit)}`;
}

const NO_SAMPLE: LoadSample = { atMs: 0, tookMs: 0, counters: {} };
