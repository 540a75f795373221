import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In the package, beside the folder of all dashboards: those that replace one of the same name with `--recorded`. */
const RECORDED = 'dashboards-recorded/';
const DASHBOARDS = 'dashboards/';

/**
 * The files of the package that are for Grafana and Prometheus, by their path in the folder that is written.
 *
 * @throws Error if the package lacks them: it was not built
 */
export function packagedFiles(packaged: URL, recorded: boolean): ReadonlyMap<string, string> {
  const folder = fileURLToPath(packaged);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll(sep, '/'))
    .sort();
  const usual = paths.filter((path) => !path.startsWith(RECORDED));
  const instead = recorded ? paths.filter((path) => path.startsWith(RECORDED)) : [];
  return new Map([
    ...usual.map((path) => [path, read(folder, path)] as const),
    ...instead.map((path) => [path.replace(RECORDED, DASHBOARDS), read(folder, path)] as const),
  ]);
}

function read(folder: string, path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}
