import { describeProcess } from '../domain/process-name.ts'
import type { ServiceReplicas } from '../domain/replica.ts'

/** How numbers are written in sentences: short, with their unit, the same everywhere. */

/**
 * A fraction as percent with at most three significant digits: 0.0345 is `3.45 %`. Of what is nearly all, two of what is
 * left: 0.9995 is `99.95 %`, where three digits would make 100 % of it.
 */
export function formatPercent(fraction: number): string {
  const left = 100 - fraction * 100
  if (left <= 0 || left >= 0.5) return `${formatNumber(fraction * 100)} %`
  return `${Number((100 - Number(left.toPrecision(2))).toFixed(12))} %`
}

/** A weight in percent as it is, to the basis point: three digits would make 100 % of 99.95 %. */
export function formatWeight(percent: number): string {
  return `${percent} %`
}

/** Three significant digits without trailing zeros; thousands separated by commas. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Math.abs(value) >= 1000) return formatCount(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

/** Units per second: `1 request per second`, `20 new keys per second`. */
export function formatRate(perSecond: number, isKeyed: boolean): string {
  const unit = isKeyed ? 'new key' : 'request'
  return `${formatNumber(perSecond)} ${unit}${perSecond === 1 ? '' : 's'} per second`
}

/** A whole number with thousands separated by commas. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/**
 * A measured time for people, in its two largest units and rounded up to whole seconds: 3,574,200 ms is
 * `59m 35s`, an hour is `1h`. What is below 0 is `0s`.
 */
export function formatTimeSpan(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0)
  return shown.map(([count, unit]) => `${count}${unit}`).join(' ')
}

/** A metric's value with the unit of its kind; `no data` for null. */
export function formatValue(kind: string, value: number | null): string {
  if (value === null) return 'no data'
  switch (kind) {
    case 'rmse':
    case 'mae':
    case 'log-loss':
    case 'sum':
    case 'mean':
    case 'ratio':
    case 'prometheus':
    case 'http':
      return formatNumber(value)
    case 'latency':
      return `${formatNumber(value)} ms`
    default:
      return formatPercent(value)
  }
}

/** A change for the worse by more than a margin: `a rise above 5 %`, or a fall where higher is better. */
export function formatChange(better: 'lower' | 'higher', margin: number): string {
  return `${better === 'lower' ? 'a rise' : 'a fall'} above ${formatPercent(margin)}`
}

/** What a proof allows beside its margin, after a blank: ` plus the floor of 0.1 %`; empty where it is 0. */
export function formatFloor(floor: number): string {
  return floor === 0 ? '' : ` plus the floor of ${formatPercent(floor)}`
}

/** An absolute limit: `500 ms`, `at least 90 %`, `at least 2, at most 5`. */
export function formatLimit(
  kind: string,
  { max, min }: { readonly max: number | null; readonly min: number | null },
): string {
  if (min === null) return formatValue(kind, max)
  const least = `at least ${formatValue(kind, min)}`
  return max === null ? least : `${least}, at most ${formatValue(kind, max)}`
}

/** Log-evidence as odds: ln 60 is `60 : 1`; above a million as a power of ten. */
export function formatOdds(logEvidence: number): string {
  const odds = Math.exp(logEvidence)
  if (logEvidence > Math.log(1e6)) return `10^${Math.floor(logEvidence / Math.LN10)} : 1`
  return odds >= 10 ? `${formatCount(Math.round(odds))} : 1` : `${formatNumber(odds)} : 1`
}

/** Odds beside those that decide: `nearly 20 : 1` where they would read the same and are not there yet. */
export function formatOddsSoFar(logEvidence: number, threshold: number): string {
  const odds = formatOdds(logEvidence)
  return logEvidence < threshold && odds === formatOdds(threshold) ? `nearly ${odds}` : odds
}

/** Whose requests are evidence of a service; null where no other process is known. */
export function formatReplicas(replicas: ServiceReplicas | null): string | null {
  if (replicas === null) return null
  const { contributing, differing } = replicas
  const all = contributing + differing.length
  if (all === 1) return null
  if (differing.length === 0) return `from the requests of ${all} processes`
  return (
    `from the requests of ${contributing} of ${all} processes; another configuration runs on ` +
    differing.map(describeProcess).join(', ')
  )
}

/** What a metric is: `rmse`, `latency until the first byte`. */
export function formatKind({ kind, until }: { kind: string; until: 'first-byte' | null }): string {
  return until === null ? kind : `${kind} until the first byte`
}
