import { createHash } from 'node:crypto';
import { type Finding, LIMITS } from '../../detect/load-test/finding.ts';
import type { LoadRun } from '../../detect/load-test/load-run.ts';
import { duration, grouped } from '../../detect/wording.ts';
import { STATES, stateLabel, stateName } from '../../tcp/state.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { EVIDENCE_PLOTS } from './evidence-plots.ts';
import { allNodes, type FindingNode, findingTree } from './finding-tree.ts';
import { keyNumbers } from './key-numbers.ts';
import { mainNumbers, type NumberRow } from './main-numbers.ts';
import { embedded, html, type Markup, verbatim } from './markup.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import { plotData } from './plot-data.ts';
import { badge, isFlat, type PlotMark, plotFigure } from './plot-figure.ts';
import { type Plot, type PlotGroup, plotGroupsOf } from './plots.ts';
import { shownCommand } from './shown-command.ts';
import { STATE_WORDS } from './state-words.ts';
import { inUnit } from './unit.ts';
import {
  CONFIDENCE_WORDS,
  clock,
  commandEnd,
  impactWords,
  isSpoiled,
  lookedAt,
  lowerFirst,
  reservations,
  SCOPE_WORDS,
  targetWords,
  upperFirst,
  whenWords,
} from './verdict-words.ts';

/**
 * A diagnosis as one HTML file that needs nothing else: what limited the test, what to change, and every series as a plot.
 * It asks for nothing over the network, and its policy would not let it.
 *
 * @example writeFileSync('report.html', htmlReport(diagnosis))
 */
export function htmlReport(diagnosis: Diagnosis): string {
  const { run, findings, finwait, startedAt } = diagnosis;
  const tree = findingTree(findings);
  const nodes = allNodes(tree);
  const groups = plotGroupsOf(run);
  const plots = groups.flatMap((group) => group.plots);
  const [first] = nodes;
  const table = numbers(run);
  const title = first === undefined ? 'Nothing found' : LIMITS[first.finding.kind].title;
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
${
  html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}: finwait diagnose</title>
<style>${verbatim(pageStyle())}</style>
</head>
<body>
<header><b>finwait diagnose</b><span class="target">${targetWords(run)}</span><time datetime="${startedAt}">${startedAt.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC')}</time></header>
<main>
${first === undefined ? calmHero(run) : hero(first, nodes, plots, run)}
${tiles(run)}
${otherFindings(tree, plots)}
${doubts(run)}
<h2 id="plots">Over time</h2>
<ul class="jumps">${groups.map((group, index) => html`<li><a href="#group-${index + 1}">${group.title}</a></li>`)}${table && html`<li><a href="#numbers">Numbers</a></li>`}<li><a href="#about">About this recording</a></li></ul>
${groups.map((group, index) => plotSection(group, index + 1, nodes, run))}
${table}
${about(diagnosis)}
</main>
<footer>Drawn by finwait ${finwait}. One file: it needs no network, and asks for nothing.</footer>
<script type="application/json" id="finwait-plots">${embedded(
    plotData(
      plots.filter((plot) => !isFlat(plot)),
      run,
    ),
  )}</script>
<script>${verbatim(PAGE_SCRIPT)}</script>
</body>
</html>`.markup
}
`;
}

/** The first finding, with the plot that shows it best. */
function hero(
  { number, finding }: FindingNode,
  nodes: readonly FindingNode[],
  plots: readonly Plot[],
  run: LoadRun,
): Markup {
  const { kind, sentence } = finding;
  const telling = EVIDENCE_PLOTS[kind]
    .map((id) => plots.find((plot) => plot.id === id))
    .find((plot) => plot && !isFlat(plot));
  const figure =
    telling &&
    plotFigure(
      telling,
      run,
      marksOf(telling, nodes).filter((mark) => mark.number === number),
      true,
    );
  return html`<section class="hero card tone-${toneOf(finding)}${figure === undefined ? '' : ' seen'}" id="finding-${number}">
<div><p class="eyebrow">What limited this test</p>
<h1>${LIMITS[kind].title}</h1>
<p class="lead">${prose(upperFirst(sentence))}</p>
${chips(finding)}
${advice(finding, 'h2')}</div>
${figure}
<div class="evidence-box">${evidence(finding)}${plotLinks(finding, plots)}</div>
</section>`;
}

function calmHero(run: LoadRun): Markup {
  return html`<section class="hero card tone-good"><div><p class="eyebrow">What limited this test</p>
<h1>Nothing found</h1>
<p class="lead">${upperFirst(lookedAt(run))}</p></div></section>`;
}

function tiles(run: LoadRun): Markup | undefined {
  const shown = keyNumbers(run);
  if (shown.length === 0) return undefined;
  return html`<dl class="tiles card">${shown.map(({ label, value, note }) => html`<div><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`)}</dl>`;
}

function doubts(run: LoadRun): Markup | undefined {
  const sentences = reservations(run);
  if (sentences.length === 0) return undefined;
  return html`<h2>To be known when reading this</h2><ul class="doubts card">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

/** What goes with the first finding, and what was found besides. */
function otherFindings([first, ...others]: readonly FindingNode[], plots: readonly Plot[]): Markup | undefined {
  if (first === undefined) return undefined;
  const consequences =
    first.consequences.length === 0
      ? undefined
      : html`<h2>What goes with it</h2>${first.consequences.map((node) => findingCard(node, plots))}`;
  const rest =
    others.length === 0 ? undefined : html`<h2>Found besides</h2>${others.map((node) => findingCard(node, plots))}`;
  return html`${consequences}${rest}`;
}

function findingCard({ number, finding, consequences }: FindingNode, plots: readonly Plot[]): Markup {
  return html`<section class="finding card tone-${toneOf(finding)}" id="finding-${number}">
<h3>${LIMITS[finding.kind].title}${badge(number)}</h3>
<p>${prose(upperFirst(finding.sentence))}</p>
${chips(finding)}
${advice(finding, 'h4')}
${evidence(finding)}
${plotLinks(finding, plots)}
${consequences.length === 0 ? undefined : html`<p class="goes">Goes with it</p>${consequences.map((node) => findingCard(node, plots))}`}
</section>`;
}

function chips(finding: Finding): Markup {
  const [sure, meaning] = CONFIDENCE_WORDS[finding.confidence].split(': ');
  return html`<ul class="chips"><li><b>${upperFirst(impactWords(finding))}</b></li><li>Seen <b>${whenWords(finding)}</b></li><li><b>${upperFirst(`${sure},`).replace(',', '')}</b>: ${meaning}</li></ul>`;
}

function advice({ advice: fixes }: Finding, heading: 'h2' | 'h4'): Markup | undefined {
  if (fixes.length === 0) return undefined;
  const title = heading === 'h2' ? html`<h2>What to change</h2>` : html`<h4>What to change</h4>`;
  const items = fixes.map((fix) => html`<li>${prose(fix)}</li>`);
  return html`<div class="fix">${title}${fixes.length === 1 ? html`<ul>${items}</ul>` : html`<ol>${items}</ol>`}</div>`;
}

function evidence({ evidence: numbers }: Finding): Markup | undefined {
  if (numbers.length === 0) return undefined;
  return html`<table class="evidence"><caption>Evidence</caption><thead class="unseen"><tr><th scope="col">What</th><th scope="col">Value</th><th scope="col">Whose</th></tr></thead><tbody>
${numbers.map(
  ({
    what,
    value,
    scope,
  }) => html`<tr><th scope="row">${prose(what)}</th><td>${prose(value)}</td><td>${SCOPE_WORDS[scope]}</td></tr>
`,
)}</tbody></table>`;
}

/** Where to look for it below. */
function plotLinks({ kind }: Finding, plots: readonly Plot[]): Markup | undefined {
  const drawn = EVIDENCE_PLOTS[kind].flatMap((id) => plots.filter((plot) => plot.id === id && !isFlat(plot)));
  if (drawn.length === 0) return undefined;
  return html`<p class="see">Plots: ${drawn.map(({ id, title }, index) => html`${index === 0 ? '' : ', '}<a href="#plot-${id}">${lowerFirst(title)}</a>`)}</p>`;
}

function toneOf(finding: Finding): 'bad' | 'better' {
  return isSpoiled(finding) ? 'bad' : 'better';
}

function plotSection({ title, plots }: PlotGroup, number: number, nodes: readonly FindingNode[], run: LoadRun): Markup {
  const drawn = plots.filter((plot) => !isFlat(plot));
  const flat = plots.filter(isFlat);
  return html`<section><h2 id="group-${number}">${title}</h2>
<div class="plots">${drawn.map((plot) => plotFigure(plot, run, marksOf(plot, nodes)))}</div>
${flat.length === 0 ? undefined : html`<p class="flat">0 throughout: ${flat.map((plot) => plot.title).join('; ')}.</p>`}
</section>`;
}

/** The findings that a plot concerns. */
function marksOf({ id }: Plot, nodes: readonly FindingNode[]): PlotMark[] {
  return nodes
    .filter(({ finding }) => EVIDENCE_PLOTS[finding.kind].includes(id))
    .map(({ number, finding: { seen } }) => ({ number, seen }));
}

function numbers(run: LoadRun): Markup | undefined {
  const groups = mainNumbers(run);
  if (groups.length === 0) return undefined;
  const { before, load, after } = run.phases;
  const span = ({ fromMs, toMs }: typeof load): string =>
    toMs > fromMs ? `${clock(fromMs)} to ${clock(toMs)}` : 'none';
  return html`<h2 id="numbers">Numbers</h2><div class="numbers card"><table>
<thead><tr><th scope="col"><span class="unseen">What</span></th><th scope="col">before<br>${span(before)}</th><th scope="col">load, mean<br>${span(load)}</th><th scope="col">load, peak<br>&nbsp;</th><th scope="col">end<br>${span(after)}</th></tr></thead>
${groups.map(
  ({ title, rows }) => html`<tbody><tr><th colspan="5" scope="rowgroup">${upperFirst(title)}</th></tr>
${rows.map(
  (
    row,
  ) => html`<tr><th scope="row">${row.name}${row.scope === 'namespace' ? ' *' : ''}</th>${cellsOf(row).map((cell) => html`<td>${cell}</td>`)}</tr>
`,
)}</tbody>`,
)}
</table><p class="empty">* counted for the whole network namespace, whoever caused it. States that are not listed were empty at these times. Before and end: the last look, of rates the mean.</p></div>`;
}

function cellsOf({ unit, before, loadMean, loadPeak, end, limit }: NumberRow): string[] {
  const shown = (value: number | undefined): string => (value === undefined ? '-' : inUnit(value, unit));
  return [
    shown(before),
    shown(loadMean),
    `${shown(loadPeak)}${limit === undefined ? '' : ` of ${inUnit(limit, unit)}`}`,
    shown(end),
  ];
}

function about({ run, cost, finwait, startedAt }: Diagnosis): Markup {
  const { command, probe, settings } = run;
  const isSeenInside = run.samples.some(({ inside }) => inside !== undefined);
  const rows: readonly (readonly [string, string | Markup | undefined])[] = [
    ['Target', targetWords(run)],
    [
      'Load',
      command === undefined
        ? 'made by somebody else'
        : html`<code>${shownCommand(command.argv)}</code> ${commandEnd(command)}`,
    ],
    [
      'Answer before the load',
      probe &&
        `HTTP ${probe.status}, ${probe.keepsConnection ? 'keeps the connection' : 'closes the connection'}${probe.keepAliveSeconds === undefined ? '' : `, timeout=${probe.keepAliveSeconds}`}`,
    ],
    ['Began', startedAt],
    ['Seen', `by finwait ${finwait} from outside${isSeenInside ? ', and by finwait inside the target' : ''}`],
    [
      'Cost of looking',
      `${inUnit(cost.cpuCores, 'cores')} of a core: ${grouped(cost.samples)} looks, one every ${duration(cost.medianIntervalMs)}`,
    ],
    ['Processors', grouped(settings.processors)],
    ['net.core.somaxconn', settings.somaxconn === undefined ? undefined : grouped(settings.somaxconn)],
    [
      'net.ipv4.ip_local_port_range',
      settings.localPortRange && `${settings.localPortRange.from} to ${settings.localPortRange.to}`,
    ],
    ['net.ipv4.tcp_tw_reuse', settings.timeWaitReuse === undefined ? undefined : String(settings.timeWaitReuse)],
    ['net.ipv4.tcp_max_tw_buckets', settings.maxTimeWaits === undefined ? undefined : grouped(settings.maxTimeWaits)],
  ];
  return html`<h2 id="about">About this recording</h2><dl class="about card">
${rows.map(([name, value]) =>
  value === undefined || value === ''
    ? undefined
    : html`<dt>${name}</dt><dd>${value}</dd>
`,
)}</dl>
<details class="card"><summary>What the states mean</summary><dl>
${STATES.map(
  (
    state,
  ) => html`<dt><i class="c-${stateLabel(state)}"></i>${stateName(state)}</dt><dd>${STATE_WORDS[stateLabel(state)]}</dd>
`,
)}</dl></details>`;
}

/** A sentence, with what stands between backticks as code. */
function prose(text: string): Markup {
  return html`${text
    .split('`')
    .map((part, index, parts) =>
      index % 2 === 1 && index < parts.length - 1 ? html`<code>${part}</code>` : index % 2 === 1 ? `\`${part}` : part,
    )}`;
}
