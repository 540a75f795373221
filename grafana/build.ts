// `npm run grafana`: writes what generate() makes and removes what it no longer makes.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { generate } from './generate.ts';

const out = new URL('./out/', import.meta.url);
const files = generate();
mkdirSync(out, { recursive: true });
for (const stale of readdirSync(out)) if (!files.has(stale)) rmSync(new URL(stale, out));
for (const [file, text] of files) {
  writeFileSync(new URL(file, out), text);
  console.log(`grafana/out/${file}`);
}
