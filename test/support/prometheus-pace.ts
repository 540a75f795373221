/** A minute of the rules is a second here. */
const PACE = 60;
/** No window is shorter: a rate needs two scrapes, and one may be late. */
const LEAST_WINDOW_SECONDS = 4;

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Rules at a pace at which they can be watched: `for`, `keep_firing_for`, windows and offsets are a sixtieth of what they
 * are, every threshold stays. Groups lose their interval: they are evaluated as often as everything is scraped.
 *
 * @example
 * hurried({ groups: [{ name: 'a', rules: [{ alert: 'A', expr: 'max_over_time(up[10m]) < 1', for: '5m' }] }] })
 * // ... 'max_over_time(up[10000ms]) < 1' ... for: '5000ms'
 */
export function hurried(file: RuleFile): RuleFile {
  return {
    groups: file.groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({
        ...rule,
        expr: hurriedExpr(rule.expr),
        ...(rule.for !== undefined && { for: shorter(rule.for) }),
        ...(rule.keep_firing_for !== undefined && { keep_firing_for: shorter(rule.keep_firing_for) }),
      })),
    })),
  };
}

/** The same of one expression; what stands in quotes stays. */
export function hurriedExpr(expr: string): string {
  return expr.replaceAll(
    /"(?:[^"\\]|\\.)*"|\[([^\]]+)\]|\boffset\s+(\w+)/g,
    (all: string, window: string | undefined, offset: string | undefined) => {
      if (offset !== undefined) return `offset ${shorter(offset)}`;
      if (window === undefined) return all;
      const parts = window.split(':').map((part) => (part === '' ? '' : shorter(part, LEAST_WINDOW_SECONDS)));
      return `[${parts.join(':')}]`;
    },
  );
}

/** A file of rules, as far as its pace goes. */
export interface RuleFile {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly {
      readonly alert?: string;
      readonly expr: string;
      readonly for?: string;
      readonly keep_firing_for?: string;
    }[];
  }[];
}

function shorter(duration: string, leastSeconds: number = 0): string {
  const parts = [...duration.matchAll(/(\d+)(ms|[smhdw])/g)];
  if (parts.map(([part]) => part).join('') !== duration.trim()) throw new Error(`no duration: ${duration}`);
  const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (SECONDS[unit ?? ''] ?? 0), 0);
  return `${Math.round(Math.max(leastSeconds, seconds / PACE) * 1_000)}ms`;
}
