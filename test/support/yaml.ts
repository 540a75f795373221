/** What a YAML document of plain data holds. */
export type Yaml = string | number | boolean | null | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

/**
 * Reads YAML as it is written by hand: blocks of keys and items, plain and quoted text in one line, lists in brackets,
 * comments on lines of their own. Anything else is an error, and never a guess.
 *
 * @example parseYaml('a:\n  - b: 1\n    c: "x"') // { a: [{ b: 1, c: 'x' }] }
 */
export function parseYaml(source: string): Yaml {
  const lines = source
    .split('\n')
    .map(
      (text, index): Line => ({ indent: text.length - text.trimStart().length, text: text.trim(), number: index + 1 }),
    )
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
  const tab = source.indexOf('\t');
  if (tab >= 0) throw new Error(`line ${source.slice(0, tab).split('\n').length} has a tab`);
  const reader = new Reader(lines);
  const value = reader.block(0);
  reader.expectEnd();
  return value;
}

class Reader {
  readonly #lines: Line[];

  constructor(lines: readonly Line[]) {
    this.#lines = [...lines];
  }

  expectEnd(): void {
    const [rest] = this.#lines;
    if (rest !== undefined) fail(rest, 'is indented like nothing before it');
  }

  /** What begins at exactly this indentation. */
  block(indent: number): Yaml {
    const [first] = this.#lines;
    if (first === undefined || first.indent !== indent) throw new Error(`nothing at indentation ${indent}`);
    return isItem(first.text) ? this.#list(indent) : KEY.test(first.text) ? this.#map(indent) : scalar(this.#take());
  }

  #list(indent: number): readonly Yaml[] {
    const items: Yaml[] = [];
    for (let line = this.#next(indent); line !== undefined && isItem(line.text); line = this.#next(indent)) {
      const rest = line.text.slice(1).trimStart();
      if (rest === '') fail(line, 'has no item');
      // What follows the dash is a block that begins there.
      const inner = indent + line.text.length - rest.length;
      this.#lines[0] = { ...line, indent: inner, text: rest };
      items.push(this.block(inner));
    }
    return items;
  }

  #map(indent: number): { readonly [key: string]: Yaml } {
    const map: Record<string, Yaml> = {};
    for (let line = this.#next(indent); line !== undefined; line = this.#next(indent)) {
      const [, quoted, plain, rest = ''] = KEY.exec(line.text) ?? fail(line, 'is no key');
      const key = quoted === undefined ? (plain as string) : (JSON.parse(quoted) as string);
      if (Object.hasOwn(map, key)) fail(line, 'comes twice');
      this.#take();
      const [below] = this.#lines;
      if (rest !== '') map[key] = scalar({ ...line, text: rest });
      // The items of a list may stand as far left as its key.
      else if (below !== undefined && (below.indent > indent || (below.indent === indent && isItem(below.text)))) {
        map[key] = this.block(below.indent);
      } else map[key] = null;
    }
    return map;
  }

  #next(indent: number): Line | undefined {
    const [line] = this.#lines;
    return line?.indent === indent ? line : undefined;
  }

  #take(): Line {
    return this.#lines.shift() as Line;
  }
}

const KEY = /^(?:("(?:[^"\\]|\\.)*")|([A-Za-z_][\w./-]*)):(?:\s+(.*))?$/;

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ');
}

function scalar(line: Line): Yaml {
  const { text } = line;
  if (/^".*"$/.test(text)) return JSON.parse(text) as string;
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (/^\[.*\]$/.test(text)) return JSON.parse(text) as readonly Yaml[];
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null' || text === '~') return null;
  // YAML 1.1, which Kubernetes reads, takes these for booleans.
  if (/^(?:yes|no|on|off|y|n)$/i.test(text)) fail(line, 'must be quoted');
  return /^[A-Za-z_0-9/][\w./:@-]*$/.test(text) ? text : fail(line, 'is none of the YAML that is read here');
}

function fail({ number, text }: Line, what: string): never {
  throw new Error(`line ${number} ${what}: ${text}`);
}
