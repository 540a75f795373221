// As much of JSON Schema (draft 7, and 2020-12) as our schemas use. A keyword it does not know is a mistake in the schema.

/** A schema. Keys of an object that it does not name are refused, stricter than the standard: so that none is forgotten. */
export interface Schema {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  /** What `#/$defs/name` is. */
  readonly $defs?: { readonly [name: string]: Schema };
  readonly $ref?: string;
  readonly const?: unknown;
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: { readonly [key: string]: Schema };
  readonly required?: readonly string[];
  /** What the values of keys that `properties` does not name are. @default there are no such keys */
  readonly additionalProperties?: Schema;
  /** One of them fits. */
  readonly anyOf?: readonly Schema[];
}

type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object';

/** What is wrong with a value, each line with the place; none if it fits. */
export function violations(schema: Schema, value: unknown, at = '$', root: Schema = schema): string[] {
  const { type, anyOf, $ref } = schema;
  if ($ref !== undefined) return violations(definition(root, $ref), value, at, root);
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.some((name) => isOfType(value, name))) {
    return [`${at}: is ${typeOf(value)}, not ${types.join(' or ')}`];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${at}: ${JSON.stringify(value)} is none of ${JSON.stringify(schema.enum)}`];
  }
  if ('const' in schema && schema.const !== value) return [`${at}: is not ${JSON.stringify(schema.const)}`];
  if (anyOf !== undefined) {
    const tried = anyOf.map((each) => violations(each, value, at, root));
    // The nearest miss tells most.
    return tried.some((found) => found.length === 0)
      ? []
      : (tried.sort((one, other) => one.length - other.length)[0] ?? []);
  }
  if (typeof value === 'string') return ofString(schema, value, at);
  if (typeof value === 'number') return ofNumber(schema, value, at);
  if (Array.isArray(value)) return ofList(schema, value, at, root);
  if (typeof value === 'object' && value !== null) return ofObject(schema, value as Fields, at, root);
  return [];
}

type Fields = { readonly [key: string]: unknown };

function ofString({ pattern }: Schema, value: string, at: string): string[] {
  return pattern === undefined || new RegExp(pattern).test(value) ? [] : [`${at}: ${value} does not match ${pattern}`];
}

function ofNumber({ minimum = -Infinity, maximum = Infinity }: Schema, value: number, at: string): string[] {
  return value >= minimum && value <= maximum ? [] : [`${at}: ${value} is not from ${minimum} to ${maximum}`];
}

function ofList({ items = {}, minItems = 0 }: Schema, value: readonly unknown[], at: string, root: Schema): string[] {
  const short = value.length < minItems ? [`${at}: fewer than ${minItems}`] : [];
  return [...short, ...value.flatMap((item, index) => violations(items, item, `${at}[${index}]`, root))];
}

function ofObject(
  { properties, required = [], additionalProperties }: Schema,
  value: Fields,
  at: string,
  root: Schema,
): string[] {
  // A schema that says nothing of keys takes any object: what Grafana itself leaves open.
  if (properties === undefined && additionalProperties === undefined) return [];
  const missing = required.filter((key) => !(key in value)).map((key) => `${at}: no ${key}`);
  const wrong = Object.entries(value).flatMap(([key, child]) => {
    const own = properties?.[key] ?? additionalProperties;
    return own === undefined ? [`${at}: unknown key ${key}`] : violations(own, child, `${at}.${key}`, root);
  });
  return [...missing, ...wrong];
}

function definition({ $defs = {} }: Schema, ref: string): Schema {
  const found = ref.startsWith('#/$defs/') ? $defs[ref.slice('#/$defs/'.length)] : undefined;
  if (found === undefined) throw new Error(`the schema has no ${ref}`);
  return found;
}

function isOfType(value: unknown, name: TypeName): boolean {
  return name === 'integer' ? Number.isInteger(value) : typeOf(value) === name;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
