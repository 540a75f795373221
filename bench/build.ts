import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The measured programs as plain JavaScript. */
export interface Build {
  /** The path of a program of bench/programs. */
  program(name: string): string;
  remove(): void;
}

/**
 * Compiles src and bench/programs into a temporary folder. What is measured must be what is published: tsx lowers
 * private fields into helper calls, which slows every one of them.
 */
export function build(): Build {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.build.json'),
        compilerOptions: {
          rootDir: ROOT,
          outDir: folder,
          declaration: false,
          emitDeclarationOnly: false,
          isolatedDeclarations: false,
          typeRoots: TYPES,
        },
        include: [join(ROOT, 'src'), join(ROOT, 'bench/programs')],
      }),
    );
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    execFileSync(tsc, ['-p', folder], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    remove();
    throw error;
  }
  return { program: (name) => join(folder, 'bench/programs', `${name}.js`), remove };
}

const TYPES = [join(ROOT, 'node_modules/@types')];
