import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VERSION } from '../version.ts';

/** What the command wrote, with the hash of each file: by that it knows its own files again. */
const RECORD = '.finwait-files.json';

/** What writing would do. Paths are relative to the folder. */
export interface WritePlan {
  /** Not there, or as this command left them. */
  readonly written: readonly string[];
  /** There already, with the same text. */
  readonly unchanged: readonly string[];
  /** There, and not from this command, or changed since. */
  readonly foreign: readonly string[];
  /** From this command, when it was another version of finwait. */
  readonly left: readonly string[];
}

/**
 * Looks at a folder without changing it.
 *
 * @throws Error if what is there cannot be read
 */
export function planOf(folder: string, files: ReadonlyMap<string, string>): WritePlan {
  const record = recordOf(folder);
  const own = record ?? new Map<string, string>();
  const paths = [...files.keys()];
  const states = new Map(
    paths.map((path) => [path, stateOf(join(folder, path), files.get(path) ?? '', own.get(path))]),
  );
  const those = (state: FileState): string[] => paths.filter((path) => states.get(path) === state);
  return {
    written: those('written'),
    unchanged: those('unchanged'),
    foreign: [...those('foreign'), ...(record === undefined ? [RECORD] : [])],
    left: [...own.keys()].filter((path) => !files.has(path) && textOf(join(folder, path)) !== undefined),
  };
}

/**
 * Writes what is planned, and what is foreign too. A file appears whole or not at all.
 *
 * @throws Error if the folder cannot be written
 */
export function write(folder: string, files: ReadonlyMap<string, string>, { written, foreign }: WritePlan): void {
  for (const path of [...written, ...foreign]) {
    const text = files.get(path);
    if (text !== undefined) put(join(folder, path), text);
  }
  const hashes = Object.fromEntries([...files].map(([path, text]) => [path, hashOf(text)]));
  put(join(folder, RECORD), `${JSON.stringify({ finwait: VERSION, files: hashes }, undefined, 2)}\n`);
}

type FileState = 'written' | 'unchanged' | 'foreign';

function stateOf(file: string, text: string, ownHash: string | undefined): FileState {
  const there = textOf(file);
  if (there === undefined) return 'written';
  if (there === text) return 'unchanged';
  return there !== null && hashOf(there) === ownHash ? 'written' : 'foreign';
}

/** The text of a file; undefined where there is none, null for what is no plain file: a link may lead anywhere. */
function textOf(file: string): string | null | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isFile() ? readFileSync(file, 'utf8') : null;
}

/** Hashes by path, none where there is no record; undefined where something else has its name. */
function recordOf(folder: string): ReadonlyMap<string, string> | undefined {
  const text = textOf(join(folder, RECORD));
  if (text === undefined) return new Map();
  try {
    const { files } = JSON.parse(text ?? '') as { files: Record<string, unknown> };
    return new Map(Object.entries(files).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return undefined;
  }
}

function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(unfinished, text);
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
