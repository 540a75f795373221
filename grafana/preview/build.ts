// `npm run preview`: pictures of the dashboards in grafana/out, drawn from a Prometheus that scrapes real services. Needs
// prometheus, ss, ip and unshare, as the tests do, and chromium. `-- --seconds 60` watches them for a shorter time,
// `-- --html DIR` leaves the pages there too.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPrometheus } from '../../test/support/prometheus.ts';
import { startFleet } from '../../test/support/prometheus-fleet.ts';
import { hurried } from '../../test/support/prometheus-pace.ts';
import { ALL_RULES } from '../../test/support/prometheus-rules.ts';
import { DASHBOARDS } from '../generate.ts';
import { askFor } from './ask.ts';
import type { Dashboard } from './model.ts';
import { drawPage, heightOf, PAGE_WIDTH } from './page.ts';
import { withPalette } from './png.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '150' },
    from: { type: 'string', default: here('../out') },
    out: { type: 'string', default: here('../../docs/pictures') },
    html: { type: 'string' },
  },
});

/** Two services: of one, a process leaks; the other is at its limits. */
const FLEET = [
  { kind: 'healthy', job: 'shop', instances: ['shop-1'] },
  { kind: 'leaking', job: 'shop', instances: ['shop-2'] },
  { kind: 'healthy', job: 'shop', instances: ['shop-3'] },
  { kind: 'limits', job: 'gateway', instances: ['gateway-1', 'gateway-2'] },
  { kind: 'descriptors', job: 'gateway', instances: ['gateway-3'] },
] as const;

const WARM_UP_SECONDS = 15;
const pages = values.html ?? mkdtempSync(join(tmpdir(), 'finwait-preview-'));
for (const folder of [pages, values.out]) mkdirSync(folder, { recursive: true });
const dashboards = Object.keys(DASHBOARDS).map(
  (file) => JSON.parse(readFileSync(join(values.from, file), 'utf8')) as Dashboard,
);

const fleet = await startFleet(FLEET);
const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
// A minute of the alerts is a second, so that there are some to show.
const rules = hurried(ALL_RULES);
const prometheus = await startPrometheus({ global, scrape_configs: fleet.scrapeConfigs }, rules);
try {
  // What happens at a start is another picture.
  const start = Math.ceil(Date.now() / 1_000) + WARM_UP_SECONDS;
  console.log(`watching ${FLEET.flatMap(({ instances }) => instances).join(', ')} for ${values.seconds} s`);
  await new Promise((resolve) => setTimeout(resolve, (WARM_UP_SECONDS + Number(values.seconds)) * 1_000));
  const end = Math.floor(Date.now() / 1_000) - 1;
  for (const dashboard of dashboards) {
    const page = join(pages, `${dashboard.uid}.html`);
    writeFileSync(page, drawPage(await askFor(dashboard, prometheus, start, end)));
    const picture = join(values.out, `${dashboard.uid}.png`);
    photograph(page, picture, heightOf(dashboard));
    console.log(`${picture} ${Math.round(statSync(picture).size / 1_000)} kB`);
  }
} finally {
  await prometheus.stop();
  await fleet.stop();
  if (values.html === undefined) rmSync(pages, { recursive: true });
}

/** A picture of a page, by a browser of its own. */
function photograph(page: string, picture: string, height: number): void {
  const profile = mkdtempSync(join(tmpdir(), 'finwait-chromium-'));
  try {
    const size = `--window-size=${PAGE_WIDTH},${height}`;
    const quiet = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--user-data-dir=${profile}`];
    execFileSync('chromium', [...quiet, size, `--screenshot=${picture}`, `file://${page}`], { stdio: 'ignore' });
    writeFileSync(picture, withPalette(readFileSync(picture)));
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}
