import { FLOOR } from './contenders.ts'

/** The figures of one run, or their medians over all runs. */
export type Figures = {
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Share of its core that the contender kept busy: near 1, the load really was at its limit. */
  readonly coreBusy: number
}

export type Spread = { readonly median: number; readonly min: number; readonly max: number }

export type Report = {
  readonly contenders: Readonly<Record<string, Figures & { readonly runs: readonly Figures[] }>>
  /** Contender over floor, paired within each round. */
  readonly ratios: Readonly<Record<string, Readonly<Record<keyof Figures, Spread>>>>
}

const FIGURES: readonly (keyof Figures)[] = [
  'cpuMicrosPerRequest',
  'requestsPerSecond',
  'p50Ms',
  'p99Ms',
  'coreBusy',
]

/** Medians by contender and ratios to the floor; the runs stand in the order of the rounds. */
export function buildReport(runs: ReadonlyMap<string, readonly Figures[]>): Report {
  const floor = runs.get(FLOOR)!
  return {
    contenders: Object.fromEntries(
      [...runs].map(([name, of]) => [
        name,
        { ...byFigure((figure) => spread(of.map((run) => run[figure])).median), runs: of },
      ]),
    ),
    ratios: Object.fromEntries(
      [...runs]
        .filter(([name]) => name !== FLOOR)
        .map(([name, of]) => [
          name,
          byFigure((figure) => spread(of.map((run, i) => run[figure] / floor[i]![figure]))),
        ]),
    ),
  }
}

/** A table for people. */
export function renderReport({ contenders, ratios }: Report): string {
  const rows = Object.entries(contenders).map(([name, of]) => {
    const cpu = ratios[name]?.cpuMicrosPerRequest
    return [
      name,
      of.cpuMicrosPerRequest.toFixed(1),
      of.requestsPerSecond.toFixed(0),
      of.p50Ms.toFixed(2),
      of.p99Ms.toFixed(2),
      `${(100 * of.coreBusy).toFixed(0)} %`,
      cpu === undefined
        ? '1'
        : `${cpu.median.toFixed(2)} (${cpu.min.toFixed(2)}–${cpu.max.toFixed(2)})`,
    ]
  })
  const table = [['', 'CPU µs/req', 'req/s', 'p50 ms', 'p99 ms', 'core', 'CPU to floor'], ...rows]
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)))
  return table
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))),
    )
    .map((row) => row.join('  '))
    .join('\n')
}

function byFigure<T>(of: (figure: keyof Figures) => T): Record<keyof Figures, T> {
  return Object.fromEntries(FIGURES.map((figure) => [figure, of(figure)])) as Record<
    keyof Figures,
    T
  >
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
