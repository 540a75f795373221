import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = `#!/bin/sh
folder=\${0%/*}
[ -e "$folder/slow" ] || exec ss "$@"
: >"$folder/started"
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
  [ -e "$folder/go" ] && break
  sleep 0.1
done
ss "$@" >"$folder/table"
: >"$folder/read"
exec cat "$folder/table"
`;

/**
 * An ss that reads the table at a moment of choice: while there is a file `slow` beside it, it leaves `started` there,
 * waits for `go`, 4 s at most, and leaves `read` when it has read.
 */
export interface SlowSs {
  readonly folder: string;
  readonly path: string;
  /** Lets it read. */
  go(): void;
  remove(): void;
}

export function createSlowSs(): SlowSs {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-slow-ss-'));
  const path = join(folder, 'slow-ss');
  writeFileSync(path, SCRIPT);
  chmodSync(path, 0o755);
  return {
    folder,
    path,
    go: () => writeFileSync(join(folder, 'go'), ''),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
