import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMIT_KINDS, LIMITS } from '../../../src/detect/load-test/finding.ts';
import { EVIDENCE_PLOTS } from '../../../src/diagnose/report/evidence-plots.ts';
import { htmlReport } from '../../../src/diagnose/report/html-report.ts';
import { PAGE_SCRIPT } from '../../../src/diagnose/report/page-script.ts';
import { plotGroupsOf } from '../../../src/diagnose/report/plots.ts';
import { inUnit, type Unit } from '../../../src/diagnose/report/unit.ts';
import { STATES, stateName } from '../../../src/tcp/state.ts';
import { COMPLETE, LEAST } from '../../support/complete-diagnosis.ts';
import { acceptQueueOverflow, healthy, SAMPLE_DIAGNOSES, sampleRun } from '../../support/sample-diagnoses.ts';

const ALL = { ...SAMPLE_DIAGNOSES, complete: () => COMPLETE, least: () => LEAST };

describe.each(Object.entries(ALL))('the page of %s', (_, diagnosis) => {
  const page = htmlReport(diagnosis());

  const tags = tagsOf(page);

  it('asks for nothing over the network, and may not', () => {
    expect(
      tags.filter((tag) => /^<(?:link|img|iframe|object|embed|video|audio|source|base|form)\b/i.test(tag)),
    ).toEqual([]);
    expect(tags.filter((tag) => /\s(?:src|srcset|action|data|poster|xlink:href)\s*=/i.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /\shref="(?!#[\w-]+")/.test(tag))).toEqual([]);
    expect(/url\(|@import|@font-face|image-set/i.test(page)).toBe(false);
    const policy = tags.findIndex((tag) => tag.includes('Content-Security-Policy'));
    expect(tags[policy]).toContain('content="default-src &#39;none&#39;; ');
    // Before anything that it could forbid.
    expect(policy).toBeLessThan(tags.findIndex((tag) => tag.startsWith('<style')));
  });

  it('lets no script run but its own', () => {
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script);
    expect(scripts).toEqual([PAGE_SCRIPT]);
    const hash = createHash('sha256').update(PAGE_SCRIPT).digest('base64');
    expect(tags.find((tag) => tag.includes('Content-Security-Policy'))).toContain(
      `script-src &#39;sha256-${hash}&#39;;`,
    );
    expect(tags.filter((tag) => /\son\w+\s*=/i.test(tag))).toEqual([]);
  });

  it('leads only to what is there, and names nothing twice', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  it('closes every element that it opens', () => {
    expect(unbalanced(page)).toEqual([]);
  });

  it('has no number that is none', () => {
    expect(page.replace(PAGE_SCRIPT, '').match(/.{0,60}(?:NaN|Infinity|undefined|\[object).{0,20}/g)).toBe(null);
  });

  it('has one first heading, and skips no level', () => {
    const levels = [...page.matchAll(/<h([1-6])\b/g)].map(([, level]) => Number(level));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    let before = 0;
    for (const level of levels) {
      expect(level).toBeLessThanOrEqual(before + 1);
      before = level;
    }
  });

  it('says of each picture what it shows', () => {
    const pictures = [...page.matchAll(/<svg\b[^>]*>/g)].map(([tag]) => tag);
    for (const tag of pictures) expect(tag).toMatch(/role="img" aria-label="[^"]{10,}"/);
  });

  it('has its style, its words for each state, and the numbers of each plot', () => {
    expect(STATES.map(stateName).filter((name) => !page.includes(`</i>${name}</dt>`))).toEqual([]);
    const { plots, times } = dataOf(page);
    for (const [, id] of page.matchAll(/data-plot="(\w+)"/g)) {
      const series = plots[id as string]?.series ?? [];
      expect(series.length).toBeGreaterThan(0);
      for (const values of series) if (Array.isArray(values)) expect(values).toHaveLength(times.length);
    }
  });
});

describe('what stands on top', () => {
  it.each(LIMIT_KINDS)('is the limit: %s', (kind) => {
    const page = htmlReport({ ...COMPLETE, findings: COMPLETE.findings.map((finding) => ({ ...finding, kind })) });
    expect(/<h1>.*<\/h1>/.exec(page)?.[0]).toBe(`<h1>${LIMITS[kind].title}</h1>`);
    expect(page.indexOf('<h1>')).toBeLessThan(page.indexOf('<figure'));
  });

  it('is that nothing was found', () => {
    const page = htmlReport(healthy());
    expect(/<h1>.*\n.*load;/.exec(page)?.[0]).toBe(
      '<h1>Nothing found</h1>\n<p class="lead">No known limit was reached in 10 s of load;',
    );
  });

  it('is followed by the plot that shows it', () => {
    const page = htmlReport(acceptQueueOverflow());
    expect(/data-plot="(\w+)"/.exec(page)?.[1]).toBe('accept_queue');
    const window = /class="window" style="left:([\d.]+)%;width:([\d.]+)%/.exec(page);
    // 2.012 s to 10.21 s of 14 s.
    expect(Number(window?.[1])).toBeCloseTo(14.4, 0);
    expect(Number(window?.[2])).toBeCloseTo(58.5, 0);
  });
});

describe('what comes from outside', () => {
  it('is text wherever it stands', () => {
    const evil = `x"'><img src=x onerror=alert(1)></script><script>alert(2)</script>`;
    const page = htmlReport({
      ...COMPLETE,
      finwait: evil,
      startedAt: evil,
      findings: [
        {
          kind: 'leak',
          impact: 1,
          confidence: 'proven',
          sentence: evil,
          evidence: [{ what: evil, value: evil, scope: 'target' }],
          advice: [evil, `\`${evil}\``],
          explains: [],
        },
      ],
      run: {
        ...COMPLETE.run,
        target: { ports: [1], pids: [1], title: evil },
        command: { argv: [evil], signal: evil },
        notes: [evil],
        samples: COMPLETE.run.samples.map((sample) => ({
          ...sample,
          table: { ...sample.table, degraded: [evil] },
          inside: { ...sample.inside, closeWait: { [evil]: 3 }, connectFailures: { [evil]: 3 } },
        })),
      },
    });
    expect(tagsOf(page).filter((tag) => tag.startsWith('<img'))).toEqual([]);
    expect([...page.matchAll(/<script\b/g)]).toHaveLength(2);
    expect(unbalanced(page)).toEqual([]);
  });
});

describe('what is drawn', () => {
  // How many listeners, rows and of which limits are told in words; a timeout does not change while it runs.
  const SAID_ELSEWHERE = ['atMs', 'rows', 'listeners', 'keepAliveTimeoutSeconds'];

  it('is every number of a sample', () => {
    const [first] = COMPLETE.run.samples;
    if (first === undefined) throw new Error('no sample');
    const later = { ...first, atMs: 262 };
    const drawn = (sample: typeof first): string =>
      JSON.stringify(plotGroupsOf({ ...COMPLETE.run, samples: [first, sample] }));
    const before = drawn(later);
    const numbers = numbersIn(later);
    expect(numbers.length).toBeGreaterThan(90);
    const unseen = numbers.filter((path) => drawn(raised(later, path)) === before).map((path) => path.at(-1));
    expect(unseen.toSorted()).toEqual(SAID_ELSEWHERE.toSorted());
  });

  it('is in few points however many looks there were, and no peak is lost', () => {
    const run = sampleRun({ loadSeconds: 2_500, afterSeconds: 0, intervalMs: 250 }, (at, wobble) => ({
      server: { established: at === 0 ? 0 : 100 + 20 * wobble + (Math.abs(at - 1_234.5) < 0.2 ? 900 : 0) },
    }));
    expect(run.samples.length).toBeGreaterThan(10_000);
    const page = htmlReport({ ...healthy(), run });
    expect(page.length).toBeLessThan(400_000);
    const path = /class="line c-established dense" d="([^"]+)"/.exec(page)?.[1] ?? '';
    expect(path.split(' ').length / 2).toBeLessThan(2_000);
    const heights = path.match(/ ([\d.]+)/g)?.map(Number) ?? [];
    // 1,000 of 1,200, from the top.
    expect(Math.min(...heights)).toBeLessThan(20);
  });

  it('every limit has a plot of its own, which exists', () => {
    const [first] = COMPLETE.run.samples;
    const samples = first === undefined ? [] : [first, { ...first, atMs: 262 }];
    const ids = new Set(plotGroupsOf({ ...COMPLETE.run, samples }).flatMap(({ plots }) => plots.map(({ id }) => id)));
    const missing = LIMIT_KINDS.flatMap((kind) => EVIDENCE_PLOTS[kind].filter((id) => !ids.has(id)));
    expect(missing).toEqual([]);
  });
});

it('the script writes numbers as the page does', () => {
  const units = scriptUnits();
  fc.assert(
    fc.property(
      fc.constantFrom<Unit>('count', 'per_second', 'bytes', 'cores', 'ms'),
      fc.oneof(
        fc.nat(2_000_000),
        fc.double({ min: 0, max: 20, noNaN: true }),
        fc.double({ min: 0, max: 1e13, noNaN: true }),
      ),
      (unit, value) => {
        // Hours are no time to wait in a queue.
        const shown = unit === 'ms' ? Math.min(value, 119_000) : value;
        expect(units[unit]?.(shown)).toBe(inUnit(shown, unit));
      },
    ),
  );
});

/** The functions of the page's script that make text of numbers. */
function scriptUnits(): { readonly [unit: string]: (value: number) => string } {
  const begin = PAGE_SCRIPT.indexOf('const grouped');
  const end = PAGE_SCRIPT.indexOf('const figures');
  return runInNewContext(`${PAGE_SCRIPT.slice(begin, end)}; inUnit`) as ReturnType<typeof scriptUnits>;
}

function dataOf(page: string): { times: number[]; plots: { [id: string]: { series: unknown[] } } } {
  const text = /<script type="application\/json" id="finwait-plots">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
  return JSON.parse(text) as ReturnType<typeof dataOf>;
}

/** The tags of a page, those inside of scripts and styles apart. */
function tagsOf(page: string): string[] {
  return page.replace(/(<(script|style)\b[^>]*>)[\s\S]*?<\/\2>/g, '$1</$2>').match(/<[a-z!/][^>]*>/gi) ?? [];
}

const VOID = ['meta', 'br', 'rect', 'line', 'path', 'circle'];

/** Elements that are opened and not closed, or closed and not opened. */
function unbalanced(page: string): string[] {
  const text = page.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, '').replace('<!doctype html>', '');
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = ''] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
    if (VOID.includes(name)) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) wrong.push(`</${name}>`);
  }
  return [...wrong, ...open];
}

type Path = readonly (string | number)[];

function numbersIn(value: unknown, path: Path = []): Path[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => numbersIn(child, [...path, key]));
}

/** A copy in which one number is larger by a thousand. */
function raised<T>(value: T, path: Path): T {
  const copy = structuredClone(value);
  const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as { [key: string]: unknown })[key], copy) as {
    [key: string]: number;
  };
  const last = String(path.at(-1));
  holder[last] = (holder[last] ?? 0) + 1_000;
  return copy;
}
