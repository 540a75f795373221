import { describe, expect, it } from 'vitest';
import { CONFIDENCES, LIMIT_KINDS } from '../../src/detect/load-test/finding.ts';
import { PHASES } from '../../src/detect/load-test/load-run.ts';
import { DIAGNOSIS_FORMAT } from '../../src/diagnose/diagnosis.ts';
import { STATE_LABELS } from '../../src/tcp/state.ts';
import { COMPLETE, LEAST } from '../support/complete-diagnosis.ts';
import { type Schema, violations } from '../support/json-schema.ts';
import { SAMPLE_DIAGNOSES } from '../support/sample-diagnoses.ts';
import { readSource } from '../support/script.ts';

const SCHEMA = JSON.parse(readSource('docs/diagnosis.schema.json')) as Schema;

describe('docs/diagnosis.schema.json', () => {
  it.each(Object.keys(SAMPLE_DIAGNOSES))('takes a diagnosis: %s', (name) => {
    expect(violations(SCHEMA, asWritten(SAMPLE_DIAGNOSES[name]?.()))).toEqual([]);
  });

  it('knows every field of the types', () => {
    expect(violations(SCHEMA, asWritten(COMPLETE))).toEqual([]);
  });

  it('has no field that the types have not', () => {
    expect(fieldsOf(SCHEMA).filter((path) => !pathsOf(COMPLETE).has(path))).toEqual([]);
  });

  it('asks for no field that may be missing', () => {
    expect(violations(SCHEMA, asWritten(LEAST))).toEqual([]);
  });

  it('asks for every field that may not', () => {
    const missing = without(asWritten(LEAST));
    expect(missing.length).toBeGreaterThan(25);
    for (const { path, rest } of missing) expect(violations(SCHEMA, rest), path).not.toEqual([]);
  });

  it('describes every field', () => {
    expect(undescribed(SCHEMA)).toEqual([]);
  });

  it('has the kinds, the phases and the states that there are', () => {
    const { limitKind, finding, run, states } = SCHEMA.$defs ?? {};
    expect(limitKind?.enum).toEqual(LIMIT_KINDS);
    expect(finding?.properties?.['confidence']?.enum).toEqual(CONFIDENCES);
    expect(Object.keys(run?.properties?.['phases']?.properties ?? {})).toEqual(PHASES);
    expect(Object.keys(states?.properties ?? {})).toEqual(STATE_LABELS);
    expect(SCHEMA.properties?.['format']?.const).toBe(DIAGNOSIS_FORMAT);
  });

  it.each([
    ['an unknown kind', { findings: [{ ...LEAST.findings[0], kind: 'gremlins' }] }],
    ['an impact above 1', { findings: [{ ...LEAST.findings[0], impact: 1.2 }] }],
    ['a later format', { format: 2 }],
    ['no sample', { run: { ...LEAST.run, samples: [] } }],
    ['a negative time', { run: { ...LEAST.run, samples: [{ atMs: -1, tookMs: 1, counters: {} }] } }],
    ['a local time', { startedAt: '2026-11-30 14:05' }],
  ])('refuses %s', (_, wrong) => {
    expect(violations(SCHEMA, { ...LEAST, ...wrong })).toHaveLength(1);
  });
});

/** As a reader of the file has it. */
function asWritten(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** The same value once for each of its fields, without that field; of a list the first item stands for all. */
function without(value: unknown, path = ''): { readonly path: string; readonly rest: unknown }[] {
  if (Array.isArray(value)) {
    const [first, ...others] = value;
    return first === undefined
      ? []
      : without(first, `${path}[]`).map(({ path: at, rest }) => ({ path: at, rest: [rest, ...others] }));
  }
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as { [key: string]: unknown };
  return Object.entries(fields).flatMap(([key, child]) => {
    const { [key]: _, ...rest } = fields;
    const deeper = without(child, `${path}.${key}`);
    return [
      { path: `${path}.${key}`, rest },
      ...deeper.map(({ path: at, rest: inner }) => ({ path: at, rest: { ...fields, [key]: inner } })),
    ];
  });
}

/** The paths of all fields of a value. */
function pathsOf(value: unknown, path = ''): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap((item) => [...pathsOf(item, `${path}[]`)]));
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set(
    Object.entries(value).flatMap(([key, child]) => [`${path}.${key}`, ...pathsOf(child, `${path}.${key}`)]),
  );
}

/** The paths of all fields that a schema names. */
function fieldsOf(schema: Schema, path = ''): string[] {
  const { $ref, items, properties = {} } = schema;
  if ($ref !== undefined) return fieldsOf(SCHEMA.$defs?.[$ref.slice('#/$defs/'.length)] as Schema, path);
  if (items !== undefined) return fieldsOf(items, `${path}[]`);
  return Object.entries(properties).flatMap(([key, child]) => [`${path}.${key}`, ...fieldsOf(child, `${path}.${key}`)]);
}

function undescribed({ description, items, properties = {}, $defs = {} }: Schema, path = '$'): string[] {
  return [
    ...(description === undefined ? [path] : []),
    ...(items === undefined ? [] : undescribed(items, `${path}[]`)),
    ...Object.entries({ ...properties, ...$defs }).flatMap(([key, child]) => undescribed(child, `${path}.${key}`)),
  ];
}
