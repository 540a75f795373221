/** Whose code a file is: the program's, a package's, or nobody's that could be blamed (Node itself, no file). */
export type SiteOrigin = 'program' | 'package' | 'none';

const PACKAGES = '/node_modules/';
/** undici connects for whoever waits in its queue, and events pass through finwait: where they stand tells nothing. */
const MUTE_PACKAGES = /^(?:undici|finwait)\//;

/**
 * Whose code a script is, by its name as V8 has it: a path, a `file:` URL, `node:net`, `[eval]`.
 *
 * @example siteOriginOf('/app/node_modules/pg/lib/connection.js') // 'package'
 */
export function siteOriginOf(file: string): SiteOrigin {
  if (file === '' || file.startsWith('node:')) return 'none';
  const at = file.lastIndexOf(PACKAGES);
  if (at < 0) return 'program';
  return MUTE_PACKAGES.test(file.slice(at + PACKAGES.length)) ? 'none' : 'package';
}

/**
 * A place in the program's code as a report shows it: relative to the working directory if inside, that of a package
 * from its `node_modules` on, at most 200 characters.
 *
 * @param file a name as {@link siteOriginOf} takes it
 * @param directory the working directory
 * @example siteText('file:///app/lib/proxy.ts', 118, '/app') // 'lib/proxy.ts:118'
 */
export function siteText(file: string, line: number, directory: string): string {
  const path = pathOfScript(file);
  const at = path.lastIndexOf(PACKAGES);
  const inside = directory.endsWith('/') ? directory : `${directory}/`;
  // Of a container whose working directory is the root, paths stay absolute.
  const isInside = directory.length > 1 && path.startsWith(inside);
  const shown = at >= 0 ? path.slice(at + 1) : isInside ? path.slice(inside.length) : path;
  // The end of a path says more than its beginning.
  return `${shown.replace(CONTROL, '').slice(-MAX_LENGTH)}:${line}`;
}

const MAX_LENGTH = 192;
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const FILE_URL = 'file://';

/** ESM names its scripts by URL, with whatever query they were imported by. */
function pathOfScript(file: string): string {
  if (!file.startsWith(FILE_URL)) return file;
  const path = file.slice(FILE_URL.length).replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
