import { useMemo } from 'preact/hooks'
import { formatNumber, formatPercent, formatValue, formatWeight } from '../../../rollout/format.ts'
import type { DecisionLineJson, ServiceJson } from '../../present.ts'
import { spanAt, type Moment, type TrafficMoment } from '../live/moments.ts'
import { colourOf } from './chart-colours.ts'
import { ChartFigure } from './chart-figure.tsx'

/** The weights of a service as they moved, from its decisions: the log outlives the process. */
export function WeightChart({
  service,
  decisions,
  isRead,
  now,
}: {
  readonly service: ServiceJson
  /** Newest first. */
  readonly decisions: readonly DecisionLineJson[]
  /** Whether these are all that the log has. */
  readonly isRead: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}) {
  const variants = Object.keys(service.weights)
  const moved = decisions.filter(({ rollout }) => rollout === service.rollout).toReversed()
  const first = moved[0]
  const points = [
    ...(first === undefined ? [] : [{ at: Date.parse(first.at) - 1, weights: first.from.weights }]),
    ...moved.map(({ at, to }) => ({ at: Date.parse(at), weights: to.weights })),
    { at: now, weights: service.weights },
  ]
  const columns = [
    points.map(({ at }) => at / 1000),
    ...variants.map((name) => points.map(({ weights }) => weights[name] ?? 0)),
  ]
  const said = variants.map((name) => `${name} ${formatWeight(service.weights[name] ?? 0)}`)
  return (
    <ChartFigure
      title="Weights"
      lines={variants.map((name) => ({
        label: name,
        colour: colourOf(name, variants),
        isStepped: true,
        ...(name === 'baseline' ? { dash: [6, 3] } : {}),
      }))}
      columns={columns}
      range={() => [0, 100]}
      format={(value) => `${formatNumber(value)} %`}
      summary={`Weights now: ${said.join(', ')}; moved ${moved.length} times in this attempt.`}
      empty={
        isRead ? 'Drawn as soon as weights have moved.' : 'Drawn as soon as decisions can be read.'
      }
    />
  )
}

type TrafficChartProps = { readonly service: ServiceJson; readonly moments: readonly Moment[] }

/** Requests per second of each variant. */
export function RequestsChart({ service, moments }: TrafficChartProps) {
  const rates = useTraffic(service, moments, 4, (now, before, seconds) =>
    now.requests === null || before.requests === null
      ? null
      : Math.max(0, now.requests - before.requests) / seconds,
  )
  return (
    <TrafficChart
      service={service}
      title="Requests per second"
      columns={rates}
      format={formatNumber}
      least={1}
    />
  )
}

/** Share of the requests of each variant that failed. */
export function ErrorsChart({ service, moments }: TrafficChartProps) {
  const shares = useTraffic(service, moments, 12, (now, before) => {
    if (now.requests === null || before.requests === null) return null
    if (now.errors === null || before.errors === null) return null
    const requests = now.requests - before.requests
    return requests <= 0 ? null : Math.max(0, now.errors - before.errors) / requests
  })
  return (
    <TrafficChart
      service={service}
      title="Share of errors"
      columns={shares}
      format={formatPercent}
      least={0.01}
    />
  )
}

/** The 95 % quantile of each variant's latency. */
export function LatencyChart({ service, moments }: TrafficChartProps) {
  const latencies = useTraffic(service, moments, 0, ({ p95Ms }) => p95Ms)
  return (
    <TrafficChart
      service={service}
      title="Latency, p95"
      columns={latencies}
      format={(value) => formatValue('latency', value)}
      least={1}
    />
  )
}

function TrafficChart({
  service,
  title,
  columns,
  format,
  least,
}: {
  readonly service: ServiceJson
  readonly title: string
  readonly columns: readonly (readonly (number | null)[])[]
  readonly format: (value: number) => string
  /** The axis reaches at least so far. */
  readonly least: number
}) {
  const variants = Object.keys(service.variants)
  const said = variants.map((name, i) => {
    const value = columns[i + 1]?.at(-1) ?? null
    return `${name} ${value === null ? 'not known' : format(value)}`
  })
  return (
    <ChartFigure
      title={title}
      lines={variants.map((name) => ({
        label: name,
        colour: colourOf(name, variants),
        ...(name === 'baseline' ? { dash: [6, 3] } : {}),
      }))}
      columns={columns}
      range={(_, max) => [0, Math.max(max * 1.1, least)]}
      format={format}
      summary={`${title} now: ${said.join(', ')}.`}
      empty={
        service.strategy === 'fixed'
          ? 'Drawn from now on, while this page is open.'
          : 'Drawn as soon as there are enough moments.'
      }
    />
  )
}

function useTraffic(
  { variants }: ServiceJson,
  moments: readonly Moment[],
  /** Moments over which a rate is taken: few requests make it jump. */
  over: number,
  read: (now: TrafficMoment, before: TrafficMoment, seconds: number) => number | null,
): readonly (readonly (number | null)[])[] {
  const names = Object.keys(variants).join('\n')
  return useMemo(() => {
    return [
      moments.map(({ at }) => at),
      ...names.split('\n').map((name) =>
        moments.map((_, i) => {
          const [before, after] = spanAt(moments, i, over)
          const [now, then] = [after.traffic[name], before.traffic[name]]
          if (now === undefined || then === undefined) return null
          return read(now, then, after.at - before.at)
        }),
      ),
    ]
  }, [names, moments])
}
