// As much of JSON Schema (draft 7) as grafana-schema.ts uses. A keyword it does not know is a mistake in the schema.

/** A schema. Keys of an object that it does not name are refused. */
export interface Schema {
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
export function violations(schema: Schema, value: unknown, at = '$'): string[] {
  const { type, anyOf } = schema;
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.some((name) => isOfType(value, name))) {
    return [`${at}: is ${typeOf(value)}, not ${types.join(' or ')}`];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${at}: ${JSON.stringify(value)} is none of ${JSON.stringify(schema.enum)}`];
  }
  if (anyOf !== undefined) {
    const tried = anyOf.map((each) => violations(each, value, at));
    // The nearest miss tells most.
    return tried.some((found) => found.length === 0)
      ? []
      : (tried.sort((one, other) => one.length - other.length)[0] ?? []);
  }
  if (typeof value === 'string') return ofString(schema, value, at);
  if (typeof value === 'number') return ofNumber(schema, value, at);
  if (Array.isArray(value)) return ofList(schema, value, at);
  if (typeof value === 'object' && value !== null) return ofObject(schema, value as Fields, at);
  return [];
}

type Fields = { readonly [key: string]: unknown };

function ofString({ pattern }: Schema, value: string, at: string): string[] {
  return pattern === undefined || new RegExp(pattern).test(value) ? [] : [`${at}: ${value} does not match ${pattern}`];
}

function ofNumber({ minimum = -Infinity, maximum = Infinity }: Schema, value: number, at: string): string[] {
  return value >= minimum && value <= maximum ? [] : [`${at}: ${value} is not from ${minimum} to ${maximum}`];
}

function ofList({ items = {}, minItems = 0 }: Schema, value: readonly unknown[], at: string): string[] {
  const short = value.length < minItems ? [`${at}: fewer than ${minItems}`] : [];
  return [...short, ...value.flatMap((item, index) => violations(items, item, `${at}[${index}]`))];
}

function ofObject({ properties, required = [], additionalProperties }: Schema, value: Fields, at: string): string[] {
  // A schema that says nothing of keys takes any object: what Grafana itself leaves open.
  if (properties === undefined && additionalProperties === undefined) return [];
  const missing = required.filter((key) => !(key in value)).map((key) => `${at}: no ${key}`);
  const wrong = Object.entries(value).flatMap(([key, child]) => {
    const own = properties?.[key] ?? additionalProperties;
    return own === undefined ? [`${at}: unknown key ${key}`] : violations(own, child, `${at}.${key}`);
  });
  return [...missing, ...wrong];
}

function isOfType(value: unknown, name: TypeName): boolean {
  return name === 'integer' ? Number.isInteger(value) : typeOf(value) === name;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
