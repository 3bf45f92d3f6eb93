import { Registry } from 'prom-client'
import { Pace } from './pace.ts'
import { writeValue, type MetricFamily, type MetricsSnapshot } from './take-snapshot.ts'

/** A Prometheus exposition in text. */
export type Exposition = { readonly contentType: string; readonly body: string }

/** What the values of several processes make together, by what a metric says of itself. */
const TOGETHER: Readonly<Record<string, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  min: Math.min,
  max: Math.max,
  first: (a) => a,
}

/**
 * Makes one snapshot of those of several processes, by what each metric says of itself: counters and
 * histograms add up. What the others only follow (`first`) is the `leading` process's alone. Each family comes in one
 * piece. Others get their turn meanwhile: all of it takes a second where there are thousands of services.
 */
export async function mergeSnapshots(
  leading: MetricsSnapshot,
  others: readonly MetricsSnapshot[],
): Promise<MetricsSnapshot> {
  const pace = new Pace()
  const families = new Map<string, Whole>()
  for (const family of leading) {
    add(families, family)
    await pace.after(family.series.length)
  }
  for (const family of others.flat()) {
    if (family.aggregator === 'first') continue
    add(families, family)
    await pace.after(family.series.length)
  }
  const merged: MetricFamily[] = []
  for (const { family, values } of families.values()) {
    merged.push({ ...family, series: [...values.keys()], values: [...values.values()] })
    await pace.after(values.size)
  }
  return merged
}

/** A family while its pieces come together. */
type Whole = { readonly family: MetricFamily; readonly values: Map<string, number> }

function add(families: Map<string, Whole>, piece: MetricFamily): void {
  let whole = families.get(piece.name)
  if (whole === undefined) {
    whole = { family: piece, values: new Map() }
    families.set(piece.name, whole)
  }
  const { values } = whole
  const together = TOGETHER[piece.aggregator]!
  for (const [n, series] of piece.series.entries()) {
    const value = piece.values[n]!
    const before = values.get(series)
    values.set(series, before === undefined ? value : together(before, value))
  }
}

/** What is left of a process that has ended: what only ever grows, and must not seem to go back. */
export function keepTotals(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot.filter(({ type }) => type === 'counter' || type === 'histogram')
}

/**
 * Totals of `before` that began anew in `now`, the next snapshot of the same process, or that are not there any more: of a
 * histogram all samples of a series together. Others get their turn meanwhile.
 */
export async function lostTotals(
  before: MetricsSnapshot,
  now: MetricsSnapshot,
): Promise<MetricsSnapshot> {
  const pace = new Pace()
  const after = new Map<string, number>()
  for (const { series, values } of keepTotals(now)) {
    for (const [n, each] of series.entries()) after.set(each, values[n]!)
    await pace.after(series.length)
  }
  const lost: MetricFamily[] = []
  for (const family of keepTotals(before)) {
    const { series, values } = family
    const fallen = new Set<string>()
    for (const [n, each] of series.entries()) {
      if ((after.get(each) ?? 0) < values[n]!) fallen.add(wholeOf(each))
    }
    await pace.after(series.length)
    if (fallen.size === 0) continue
    const isLost = series.map((each) => fallen.has(wholeOf(each)))
    lost.push({
      ...family,
      series: series.filter((_, n) => isLost[n]),
      values: values.filter((_, n) => isLost[n]),
    })
  }
  return lost
}

/** A sample of a histogram, whose limit of a bucket stands first. */
const OF_HISTOGRAM = /_(?:bucket|sum|count)(?:\{(?:le="[^"]*",?)?|$)/

/** What all samples of a histogram's series have in common; of another series itself. */
function wholeOf(series: string): string {
  return series.replace(OF_HISTOGRAM, '{').replace(/\{\}?$/, '')
}

/** Renders a snapshot whose families are whole as Prometheus reads it. Others get their turn meanwhile. */
export async function renderSnapshot(snapshot: MetricsSnapshot): Promise<Exposition> {
  const pace = new Pace()
  const texts: string[] = []
  for (const { head, series, values } of snapshot) {
    texts.push(texts.length === 0 ? head : `\n\n${head}`)
    for (let from = 0; from < series.length; from += Pace.ROWS) {
      const rows = series.slice(from, from + Pace.ROWS)
      texts.push(rows.map((each, n) => `\n${each} ${writeValue(values[from + n]!)}`).join(''))
      await pace.after(rows.length)
    }
  }
  texts.push('\n')
  return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, body: texts.join('') }
}
