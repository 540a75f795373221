import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Whether a program is a package manager: `npm start` runs the application as a child, and that is the process to be
 * observed. Told by the script alone: the variables npm_* are the child's as well.
 *
 * @param script `process.argv[1]`; a link, such as /usr/bin/npm, is followed
 */
export function isPackageManager(script: string | undefined): boolean {
  return script !== undefined && isPackageManagerScript(followed(script));
}

/**
 * The same of a path without links. The names alone would also be those of applications, so the folder must be one that
 * package managers keep these files in.
 *
 * @example isPackageManagerScript('/usr/lib/node_modules/npm/bin/npm-cli.js') // true
 */
export function isPackageManagerScript(path: string): boolean {
  const folders = dirname(path).split(/[\\/]/);
  const file = basename(path);
  // What yarn 2 and newer put into a project: .yarn/releases/yarn-4.9.1.cjs
  if (/^yarn-\d[\w.-]*\.c?js$/.test(file)) return folders.at(-1) === 'releases' && folders.at(-2) === '.yarn';
  const [, manager] = SCRIPT.exec(file) ?? [];
  if (manager === undefined) return false;
  // node_modules/npm/bin, corepack/dist, corepack/v1/yarn/4.9.1, /opt/yarn-v1.22.22/bin
  return folders.slice(-3).some((folder) => FOLDER.test(folder));
}

const SCRIPT = /^(npm-cli|npx-cli|npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack)(?:\.[cm]?js)?$/;
const FOLDER = /^(?:npm|yarn|pnpm|corepack)(?:-v?\d.*)?$/;

function followed(script: string): string {
  try {
    return realpathSync(script);
  } catch {
    // `node --eval` has none, and what stands there is an argument.
    return script;
  }
}
