import { describe, expect, it, test } from 'vitest';
import { ALERTS, DASHBOARDS } from '../../grafana/generate.ts';
import { published } from '../../grafana/published.ts';
import { rewritten } from '../../src/cli/rewritten.ts';

const USUAL = { prefix: 'nodejs_tcp_', jobLabel: 'job' };
const OTHER = { prefix: 'shop:tcp_', jobLabel: 'service', runbookUrl: 'https://wiki.test/finwait' };
const FILES = published();

test('under the usual names only the links to the runbook are other ones', () => {
  for (const [path, text] of rewritten(FILES, USUAL)) {
    expect(text, path).toBe((FILES.get(path) as string).replaceAll('grafana/runbook.md#', 'runbook.md#'));
  }
});

describe('under other names', () => {
  const files = rewritten(FILES, OTHER);
  const all = [...files.values()].join('\n');

  it('no metric keeps the usual prefix, and each has the other one', () => {
    const count = (text: string, part: string): number => text.split(part).length - 1;
    expect(all).not.toContain(USUAL.prefix);
    expect(count(all, OTHER.prefix)).toBe(count([...FILES.values()].join('\n'), USUAL.prefix));
  });

  it('every alert links to its heading where the runbook can be read', () => {
    const alerts = files.get('prometheus/finwait-alerts.yml') ?? '';
    for (const { alert } of ALERTS) expect(alerts).toContain(`https://wiki.test/finwait#${alert.toLowerCase()}`);
    expect(alerts).not.toContain('runbook.md');
  });

  it('no query, legend, link or column speaks of the usual label of a service, and the variable keeps its name', () => {
    expect(all).not.toMatch(/\bjob(=|!)[=~]*\\?"|[{.]job\b|\{\{ ?job|\((?:[\w]+, )*job[,)]/);
    for (const file of Object.keys(DASHBOARDS)) {
      const text = files.get(`dashboards/${file}`) ?? '';
      const { templating } = JSON.parse(text) as {
        templating: { list: readonly { name: string; definition?: string }[] };
      };
      expect(templating.list.map(({ name }) => name)).toContain('job');
      expect(text).toContain(String.raw`service=~\"$job\", instance=~\"$instance\"`);
      // What is left of it outside of descriptions: the variable, its values, and links that carry it.
      const left = text.replace(/^ *"description":.*$/gm, '').match(/"(?:[^"\\]|\\.)*\bjob\b(?:[^"\\]|\\.)*"/g) ?? [];
      for (const found of left) {
        expect(found.replace(/\$job\b|var-job=|^"job"$|^"job-values"$/g, '')).not.toMatch(/\bjob\b/);
      }
    }
  });
});

test.each([
  ['sum by (job, instance) (x{job=~"$job"})', 'sum by (service, instance) (x{service=~"$job"})'],
  [
    'a / on (job) group_left (job) b{job!="j", x="job"}',
    'a / on (service) group_left (service) b{service!="j", x="job"}',
  ],
  ['label_values(x{job=~"$job"}, job)', 'label_values(x{service=~"$job"}, service)'],
  ['{{job}} {{ job }} {{instance}}', '{{service}} {{ service }} {{instance}}'],
  ['{{ $labels.job }} did its job', '{{ $labels.service }} did its job'],
  [
    `?var-job=${'$'}{__data.fields.job}&var-job=${'$'}{__field.labels.job}`,
    `?var-job=${'$'}{__data.fields.service}&var-job=${'$'}{__field.labels.service}`,
  ],
  ['job_name:x:rate5m{job="a"}', 'job_name:x:rate5m{service="a"}'],
])('%s becomes %s, in text and in a dashboard', (before, after) => {
  const names = { ...USUAL, jobLabel: 'service' };
  expect(rewritten(new Map([['a.yml', before]]), names).get('a.yml')).toBe(after);
  const dashboard = rewritten(new Map([['a.json', JSON.stringify({ expr: before })]]), names).get('a.json');
  expect(JSON.parse(dashboard ?? '')).toEqual({ expr: after });
});

test('columns of a table are called after the label, what a dashboard names itself is not', () => {
  const before = {
    options: { indexByName: { job: 0 }, renameByName: { x: 'job' } },
    matcher: { options: 'job' },
    byField: 'job',
    name: 'job',
    list: ['job', 'instance'],
  };
  const after = rewritten(new Map([['a.json', JSON.stringify(before)]]), { ...USUAL, jobLabel: 'service' }).get(
    'a.json',
  );
  expect(JSON.parse(after ?? '')).toEqual({
    options: { indexByName: { service: 0 }, renameByName: { x: 'service' } },
    matcher: { options: 'service' },
    byField: 'service',
    name: 'job',
    list: ['service', 'instance'],
  });
});
