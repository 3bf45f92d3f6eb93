import type { Spread } from '../spread.ts'
import type { Comparison, Memory, Report } from './figures.ts'

/** A table for people: its first row is the head, its first column names the contender. */
export type Table = { readonly title: string; readonly rows: readonly (readonly string[])[] }

/** How late the load may be, in milliseconds, before its latencies are marked. */
const LATE_MS = 1

/** The tables of a report, one for each thing that was measured. */
export function buildTables(report: Report): readonly Table[] {
  const { contenders, ratios, latency, services, workers, workersAtRate, streams, memory } = report
  const tables: Table[] = []
  if (contenders !== undefined && ratios !== undefined) {
    tables.push({ title: 'CPU per request', rows: costRows({ contenders, ratios }) })
  }
  if (latency !== undefined) {
    tables.push({ title: 'Added latency at a fixed rate', rows: latencyRows(latency) })
  }
  if (services !== undefined) tables.push({ title: 'Many services', rows: costRows(services) })
  if (workersAtRate !== undefined) {
    tables.push({ title: 'Two workers at a fixed rate', rows: rateRows(workersAtRate) })
  }
  if (workers !== undefined)
    tables.push({ title: 'Two workers, saturated', rows: costRows(workers) })
  if (streams !== undefined) tables.push({ title: 'Open event streams', rows: streamRows(streams) })
  if (memory !== undefined) {
    tables.push({ title: 'Memory over many requests', rows: memoryRows(memory) })
  }
  return tables
}

function costRows({ contenders, ratios }: Comparison): Table['rows'] {
  const head = [
    'contender',
    'CPU µs/request',
    'CPU to floor',
    'quartiles',
    'min–max',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'core',
  ]
  const rows = Object.entries(contenders).map(([name, of]) => {
    const ratio = ratios[name]?.cpuMicrosPerRequest
    return [
      name,
      of.cpuMicrosPerRequest.toFixed(1),
      ratio?.median.toFixed(2) ?? '1',
      ratio === undefined ? '' : `${ratio.q1.toFixed(2)}–${ratio.q3.toFixed(2)}`,
      ratio === undefined ? '' : `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
      of.requestsPerSecond.toFixed(0),
      of.p50Ms.toFixed(2),
      of.p99Ms.toFixed(2),
      `${(100 * of.coreBusy).toFixed(0)} %`,
    ]
  })
  return [head, ...rows]
}

function latencyRows(latency: NonNullable<Report['latency']>): Table['rows'] {
  const head = [
    'contender',
    'of saturation',
    'requests/s',
    'p50 added',
    'quartiles',
    'p99 added',
    'quartiles',
    'typical p99 added',
    'quartiles',
    'p99 direct',
    'p99 through',
    'p99 of a sleeper',
  ]
  const rows = Object.entries(latency).flatMap(([name, byPercent]) =>
    Object.values(byPercent).map((of) => [
      name,
      `${(100 * of.ofSaturation).toFixed(0)} %${of.isCapped ? ' (cap)' : ''}`,
      `${of.ratePerSecond}${of.directSentP99Ms > LATE_MS ? ' *' : ''}`,
      ...added(of.addedP50Ms),
      ...added(of.addedP99Ms),
      ...added(of.addedTypicalP99Ms),
      of.directP99Ms.toFixed(2),
      of.p99Ms.toFixed(2),
      of.coreLateP99Ms.toFixed(2),
    ]),
  )
  return [head, ...rows]
}

function added({ median, q1, q3 }: Spread): [string, string] {
  return [median.toFixed(2), `${q1.toFixed(2)} to ${q3.toFixed(2)}`]
}

function rateRows(rateCost: NonNullable<Report['workersAtRate']>): Table['rows'] {
  const head = ['contender', 'workers', 'requests/s', 'CPU µs/request', 'to one worker']
  head.push('quartiles', 'min–max', 'p99 ms', 'saturated requests/s')
  const rows = Object.entries(rateCost).map(([name, of]) => [
    name,
    String(of.workers),
    `${of.ratePerSecond}${of.sentP99Ms > LATE_MS ? ' *' : ''}`,
    of.cpuMicrosPerRequest.median.toFixed(1),
    of.ratio.median.toFixed(2),
    `${of.ratio.q1.toFixed(2)}–${of.ratio.q3.toFixed(2)}`,
    `${of.ratio.min.toFixed(2)}–${of.ratio.max.toFixed(2)}`,
    of.p99Ms.toFixed(2),
    of.saturationPerSecond.toFixed(0),
  ])
  return [head, ...rows]
}

function streamRows(streams: NonNullable<Report['streams']>): Table['rows'] {
  const head = ['contender', 'streams', 'MiB without', 'MiB with', 'KiB per stream', 'min–max']
  const rows = Object.entries(streams).map(([name, of]) => [
    name,
    String(of.streams),
    of.idleMiB.toFixed(1),
    of.openMiB.toFixed(1),
    of.kibPerStream.median.toFixed(1),
    `${of.kibPerStream.min.toFixed(1)}–${of.kibPerStream.max.toFixed(1)}`,
  ])
  return [head, ...rows]
}

function memoryRows(memory: NonNullable<Report['memory']>): Table['rows'] {
  const head = ['contender', 'requests', 'own MiB at start', 'at half', 'at the end', 'growth']
  head.push('MiB of files at start', 'at half', 'at the end', 'growth')
  const rows = Object.entries(memory).map(([name, { samples, growth }]) => {
    const { requests } = samples.at(-1)!
    const looks = [0, requests / 2, requests].map((at) =>
      samples.find((sample) => sample.requests >= at)!,
    )
    const columns = (of: keyof Memory['growth']) =>
      [...looks, growth].map((memory) => memory[of].toFixed(1))
    return [name, String(requests), ...columns('ownMiB'), ...columns('fileMiB')]
  })
  return [head, ...rows]
}
