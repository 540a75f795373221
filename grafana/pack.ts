// Part of `npm run build`: dist/grafana, from where `npx finwait dashboards` copies.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { published } from './published.ts';

const dist = new URL('../dist/grafana/', import.meta.url);
rmSync(dist, { recursive: true, force: true });
for (const [path, text] of published()) {
  const file = new URL(path, dist);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
}
