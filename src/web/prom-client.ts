import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { PromClient } from '../exporters/prom-registry.ts';

/** There is no prom-client, or none that works; the message says which, and what to do. */
export class PromClientMissing extends Error {
  override readonly name: string = 'PromClientMissing';
}

/**
 * Loads prom-client: the application's, or else the one beside finwait.
 *
 * @param places files or folders of the application, the likeliest first; each is looked in with all that it is in
 * @throws {@link PromClientMissing}
 */
export async function loadPromClient(places: readonly string[]): Promise<PromClient> {
  const require = createRequire(import.meta.url);
  let trouble = 'prom-client is not installed';
  for (const path of new Set([resolveFrom(require, { paths: places.map(followed) }), resolveFrom(require)])) {
    if (path === undefined) continue;
    try {
      // By import and not by require: a version that is an ES module can be loaded too.
      const loaded = (await import(pathToFileURL(path).href)) as Partial<PromClient> & {
        default?: Partial<PromClient>;
      };
      const { Registry = loaded.default?.Registry, register = loaded.default?.register } = loaded;
      if (typeof Registry === 'function' && register !== undefined) return { Registry, register };
      trouble = `${path} is no prom-client that finwait knows`;
    } catch (error) {
      trouble = `${path} does not load (${error instanceof Error ? error.message : String(error)})`;
    }
  }
  throw new PromClientMissing(`${trouble}: npm install prom-client`);
}

function resolveFrom(require: NodeJS.Require, options?: { paths: string[] }): string | undefined {
  try {
    return require.resolve('prom-client', options);
  } catch {
    return undefined;
  }
}

/** Node follows the link to a main script, such as those in node_modules/.bin, before it looks for packages. */
function followed(place: string): string {
  try {
    return realpathSync(place);
  } catch {
    return place;
  }
}
