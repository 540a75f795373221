// The files that are written by hand: read as YAML, held against each other and against what is published. Nothing here
// starts Docker or Grafana.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { published } from '../../grafana/published.ts';
import { run, testWith } from '../support/tools.ts';
import { parseYaml, type Yaml } from '../support/yaml.ts';

const FILES = published();

function yaml(path: string): Record<string, Yaml> {
  return parseYaml(FILES.get(path) ?? `${path} is not published`) as Record<string, Yaml>;
}

test('Grafana looks for dashboards where the compose file mounts them, and begins with one that there is', () => {
  const { providers } = yaml('provisioning/dashboards/finwait.yaml') as unknown as {
    providers: readonly [{ options: { path: string } }];
  };
  const { services } = yaml('compose.yaml') as unknown as {
    services: { grafana: { volumes: readonly string[]; environment: Record<string, string> } };
  };
  const { path } = providers[0].options;
  expect(services.grafana.volumes).toContain(`./dashboards:${path}:ro`);
  const home = services.grafana.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] as string;
  expect(FILES.has(home.replace(path, 'dashboards'))).toBe(true);
});

test('everything that the compose file mounts is published', () => {
  const { services } = yaml('compose.yaml') as unknown as {
    services: Record<string, { volumes: readonly string[]; image: string; network_mode: string }>;
  };
  for (const { volumes, image, network_mode } of Object.values(services)) {
    expect(image).toMatch(/^[\w/]+:v?\d+\.\d+\.\d+$/);
    expect(network_mode).toBe('host');
    for (const volume of volumes) {
      const folder = `${volume.split(':')[0]?.replace('./', '')}/`;
      expect([...FILES.keys()].some((file) => file.startsWith(folder))).toBe(true);
    }
  }
});

test('nothing of it listens beyond loopback', () => {
  const compose = FILES.get('compose.yaml') ?? '';
  expect(compose).toContain('--web.listen-address=127.0.0.1:9090');
  expect(compose).toContain('GF_SERVER_HTTP_ADDR: 127.0.0.1');
});

test('the data source is that Prometheus, and knows how often it scrapes', () => {
  const { datasources } = yaml('provisioning/datasources/prometheus.yaml') as unknown as {
    datasources: readonly [{ url: string; uid: string; jsonData: { timeInterval: string } }];
  };
  const { global } = yaml('prometheus/prometheus.yml') as unknown as { global: { scrape_interval: string } };
  expect(datasources[0]).toMatchObject({ url: 'http://127.0.0.1:9090', uid: 'prometheus' });
  expect(datasources[0].jsonData.timeInterval).toBe(global.scrape_interval);
});

test('the object for Kubernetes holds the groups of both rule files', () => {
  const indented = (text: string): string => text.replace(/^#.*\n/, '').replace(/^(?=.)/gm, '  ');
  const groups = ['alerts', 'recording'].map((file) => indented(FILES.get(`prometheus/finwait-${file}.yml`) ?? ''));
  const rule = FILES.get('kubernetes/prometheus-rule.yaml') ?? '';
  expect(rule).toMatch(/apiVersion: 'monitoring.coreos.com\/v1'|apiVersion: monitoring.coreos.com\/v1/);
  expect(rule).toContain('kind: PrometheusRule');
  expect(rule.slice(rule.indexOf('spec:\n') + 'spec:\n'.length)).toBe(
    `${groups[0]}${groups[1]?.replace(/^ {2}groups:\n/, '')}`,
  );
});

testWith('promtool', 'Prometheus accepts the whole configuration, the rules beside it included', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-provisioning-'));
  try {
    for (const [path, text] of FILES) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const { status, output } = run('promtool', ['check', 'config', join(folder, 'prometheus/prometheus.yml')], '');
    expect(output).toContain('SUCCESS: 2 rule files found');
    expect(status, output).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
