import type { LoadRun } from '../../detect/load-test/load-run.ts';
import { drawnSeries } from './plot-figure.ts';
import type { Plot } from './plots.ts';
import { columnsOf, columnTimes } from './thinned.ts';
import { spanOf } from './track.ts';
import type { Unit } from './unit.ts';

/** What the script of the page shows at the pointer. */
export interface PlotData {
  readonly fromMs: number;
  readonly toMs: number;
  /** When each column of the plots is. */
  readonly times: readonly number[];
  readonly plots: { readonly [id: string]: { readonly unit: Unit; readonly series: readonly ColumnValues[] } };
}

/** The values of a series by column, a smallest and a largest where it has several; one number where all are the same. */
type ColumnValues = number | readonly (number | readonly [number, number] | null)[];

/** The numbers of the drawn series of some plots, by column. */
export function plotData(plots: readonly Plot[], run: LoadRun): PlotData {
  const times = run.samples.map(({ atMs }) => atMs);
  return {
    ...spanOf(run),
    times: columnTimes(times),
    plots: Object.fromEntries(
      plots.map((plot) => [
        plot.id,
        {
          unit: plot.unit,
          series: drawnSeries(plot).map(({ track }) => withoutRepeats(columnsOf(times, track).map(short))),
        },
      ]),
    ),
  };
}

function withoutRepeats(values: readonly (number | readonly [number, number] | null)[]): ColumnValues {
  const [first] = values;
  return typeof first === 'number' && values.every((value) => value === first) ? first : values;
}

function short(value: number | [number, number] | null): number | readonly [number, number] | null {
  if (value === null) return null;
  return typeof value === 'number' ? hundredths(value) : [hundredths(value[0]), hundredths(value[1])];
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
