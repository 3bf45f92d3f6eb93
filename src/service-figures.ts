import type {
  KeyCounts,
  MirrorFigures,
  RuleStatus,
  VariantFigures,
} from './admin/service-status.ts'
import type { MirrorBook } from './metrics/mirror-book.ts'
import type { RuleBook } from './metrics/rule-book.ts'
import type { ServiceBook } from './metrics/service-recorder.ts'
import type { VariantBook } from './metrics/variant-book.ts'
import { LogHistogram, type LogHistogramJson } from './statistics/histogram.ts'

/** What one process counts of a service, in a form that adds up with others' and survives a pipe. */
export type ServiceFigures = {
  /** By variant name. */
  readonly variants: Readonly<Record<string, VariantCounts>>
  /** By the name of the variant that gets the copies. */
  readonly mirrors: Readonly<Record<string, MirrorCounts>>
  /** As they are shown, but for their latencies. */
  readonly rules: readonly RuleCounts[]
  readonly keys: KeyCounts
}

/** By service name. */
export type FiguresByService = Readonly<Record<string, ServiceFigures>>

type VariantCounts = Pick<
  VariantFigures,
  'requests' | 'errors' | 'rejected' | 'left' | 'inFlight' | 'upstreams' | 'healthy'
> & {
  readonly latencies: LogHistogramJson
}

type MirrorCounts = Pick<
  MirrorFigures,
  'inFlight' | 'results' | 'lastOkAt' | 'pairs' | 'unread' | 'disagreements' | 'lastDisagreed'
> & {
  readonly latencies: LogHistogramJson
  /** Sums over all pairs. */
  readonly liveMs: number
  readonly mirrorMs: number
}

type RuleCounts = Pick<RuleStatus, 'rule'> & {
  readonly variants: Readonly<Record<string, RuleVariantCounts>>
}

type RuleVariantCounts = Pick<RuleStatus['variants'][string], 'requests' | 'errors' | 'metrics'> & {
  readonly latencies: LogHistogramJson
}

/** How many of a variant's upstreams there are, and how many are healthy. */
export type UpstreamCounts = { readonly upstreams: number; readonly healthy: number }

/** Reads what a service's books say now. */
export function readFigures(
  book: Pick<ServiceBook, 'variants' | 'mirrors' | 'rules' | 'draws'>,
  upstreamsOf: (variant: string) => UpstreamCounts,
): ServiceFigures {
  return {
    variants: Object.fromEntries(
      [...book.variants].map(([name, variant]) => [
        name,
        { ...upstreamsOf(name), ...countsOf(variant) },
      ]),
    ),
    mirrors: Object.fromEntries(
      [...book.mirrors].map(([name, mirror]) => [name, mirrorCountsOf(mirror)]),
    ),
    rules: book.rules === null ? [] : rulesOf(book.rules),
    keys: { requests: book.draws.begun, missing: book.draws.unkeyed },
  }
}

/**
 * What several processes count together. Which variants and mirrors there are is the first one's; an upstream
 * counts as healthy where it is so in every process, as far as numbers tell.
 */
export function mergeFigures(
  own: ServiceFigures,
  others: readonly ServiceFigures[],
): ServiceFigures {
  return {
    variants: mapValues(own.variants, (counts, name) =>
      others.reduce((sum, { variants }) => addVariant(sum, variants[name]), counts),
    ),
    mirrors: mapValues(own.mirrors, (counts, name) =>
      others.reduce((sum, { mirrors }) => addMirror(sum, mirrors[name]), counts),
    ),
    rules: own.rules.map((place) =>
      others.reduce(
        (sum, { rules }) =>
          addRule(
            sum,
            rules.find(({ rule }) => rule === place.rule),
          ),
        place,
      ),
    ),
    keys: others.reduce((sum, { keys }) => addKeys(sum, keys), own.keys),
  }
}

/** A variant's figures as people are shown them. */
export function toVariantFigures({ latencies, ...counts }: VariantCounts): VariantFigures {
  return { ...counts, ...quantilesOf(latencies) }
}

/** A mirror's figures as people are shown them. */
export function toMirrorFigures(counts: MirrorCounts): MirrorFigures {
  const { latencies, liveMs, mirrorMs, ...rest } = counts
  const compared = counts.pairs + counts.unread
  return {
    ...rest,
    ...quantilesOf(latencies),
    liveHeadMs: compared === 0 ? null : liveMs / compared,
    mirrorHeadMs: compared === 0 ? null : mirrorMs / compared,
  }
}

/** What a rule came to as people are shown it. */
export function toRuleStatus({ rule, variants }: RuleCounts): RuleStatus {
  const shown = Object.entries(variants).map(([name, { latencies, ...counts }]) => {
    return [name, { ...counts, ...quantilesOf(latencies) }] as const
  })
  return { rule, variants: Object.fromEntries(shown) }
}

/** How many of the pairs that disagreed are shown. */
const MOST_SHOWN = 20

function addKeys(a: KeyCounts, b: KeyCounts): KeyCounts {
  return { requests: a.requests + b.requests, missing: a.missing + b.missing }
}

function countsOf({ requests, errors, rejected, left, inFlight, drawn }: VariantBook) {
  return { requests, errors, rejected, left, inFlight, latencies: drawn.toJSON() }
}

function rulesOf(book: RuleBook): readonly RuleCounts[] {
  return book.places().map(({ name, byVariant }) => ({
    rule: name,
    variants: Object.fromEntries(
      [...byVariant].map(([variant, figures]) => {
        const { requests, errors, latencies } = figures
        const scores = book.metrics.map((m) => [m.name, figures.scoreOf(m)] as const)
        const metrics = Object.fromEntries(scores.flatMap(([m, s]) => (s === null ? [] : [[m, s]])))
        return [variant, { requests, errors, metrics, latencies: latencies.toJSON() }]
      }),
    ),
  }))
}

function mirrorCountsOf(book: MirrorBook): MirrorCounts {
  const { inFlight, lastOkAt, pairs, unread, liveMs, mirrorMs } = book
  return {
    ...{ inFlight, lastOkAt, pairs, unread, liveMs, mirrorMs },
    results: { ...book.results },
    disagreements: { ...book.disagreements },
    lastDisagreed: [...book.lastDisagreed],
    latencies: book.latencies.toJSON(),
  }
}

function addVariant(sum: VariantCounts, more: VariantCounts | undefined): VariantCounts {
  if (more === undefined) return sum
  return {
    requests: sum.requests + more.requests,
    errors: sum.errors + more.errors,
    rejected: sum.rejected + more.rejected,
    left: sum.left + more.left,
    inFlight: sum.inFlight + more.inFlight,
    upstreams: sum.upstreams,
    healthy: Math.min(sum.healthy, more.healthy),
    latencies: addLatencies(sum.latencies, more.latencies),
  }
}

function addMirror(sum: MirrorCounts, more: MirrorCounts | undefined): MirrorCounts {
  if (more === undefined) return sum
  const disagreed = [...sum.lastDisagreed, ...more.lastDisagreed].toSorted((a, b) => a.at - b.at)
  return {
    inFlight: sum.inFlight + more.inFlight,
    results: addEach(sum.results, more.results),
    lastOkAt: latest(sum.lastOkAt, more.lastOkAt),
    pairs: sum.pairs + more.pairs,
    unread: sum.unread + more.unread,
    disagreements: addEach(sum.disagreements, more.disagreements),
    lastDisagreed: disagreed.slice(-MOST_SHOWN),
    latencies: addLatencies(sum.latencies, more.latencies),
    liveMs: sum.liveMs + more.liveMs,
    mirrorMs: sum.mirrorMs + more.mirrorMs,
  }
}

/** Metrics are the first one's: all labels come to the process that shows the figures. */
function addRule(sum: RuleCounts, more: RuleCounts | undefined): RuleCounts {
  const variants: Record<string, RuleVariantCounts> = { ...sum.variants }
  for (const [name, counts] of Object.entries(more?.variants ?? {})) {
    const own = variants[name]
    variants[name] =
      own === undefined
        ? counts
        : {
            requests: own.requests + counts.requests,
            errors: own.errors + counts.errors,
            metrics: own.metrics,
            latencies: addLatencies(own.latencies, counts.latencies),
          }
  }
  return { rule: sum.rule, variants }
}

/** Quantiles of both together: of all the values, never a mean of two quantiles. */
function addLatencies(a: LogHistogramJson, b: LogHistogramJson): LogHistogramJson {
  const sum = LogHistogram.from(a)
  sum.merge(LogHistogram.from(b))
  return sum.toJSON()
}

function quantilesOf(latencies: LogHistogramJson) {
  const histogram = LogHistogram.from(latencies)
  const quantile = (q: number) => histogram.quantile(q)
  return { p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99) }
}

function addEach<K extends string>(
  a: Readonly<Record<K, number>>,
  b: Readonly<Record<K, number>>,
): Readonly<Record<K, number>> {
  return mapValues(a, (n, key) => n + b[key])
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

function mapValues<K extends string, V>(
  from: Readonly<Record<K, V>>,
  change: (value: V, key: K) => V,
): Readonly<Record<K, V>> {
  const entries = Object.entries(from) as [K, V][]
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value, key)])) as Record<
    K,
    V
  >
}
