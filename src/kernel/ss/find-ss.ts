import { accessSync, constants, statSync } from 'node:fs';

/**
 * The absolute path of ss: the first of the given folders that has it, then of /usr/sbin, /sbin, /usr/bin and /bin,
 * which a service's PATH often lacks. Relative folders are passed over: what they name changes with the working
 * directory.
 *
 * @example findSs((process.env.PATH ?? '').split(':')) // '/usr/bin/ss'
 */
export function findSs(
  searchPath: readonly string[],
  isExecutable: (path: string) => boolean = isExecutableFile,
): string | undefined {
  for (const folder of [...searchPath, ...SYSTEM_FOLDERS]) {
    if (!folder.startsWith('/')) continue;
    const path = folder.endsWith('/') ? `${folder}ss` : `${folder}/ss`;
    if (isExecutable(path)) return path;
  }
  return undefined;
}

/** Whether a path names a file, and one that this process may execute. */
export function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason is, it cannot be run.
    return false;
  }
}

const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
