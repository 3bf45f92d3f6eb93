import { createRandom } from '../demo/seeded-random.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'
import { whyUnchangeable } from '../rollout/drawable-rules.ts'
import { isRated, type GivenRates } from '../rollout/given-rates.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { segmentsOf, shareOfSegment } from '../rollout/segment-share.ts'
import { ACCURACY } from '../rollout/synthetic-traffic.ts'
import { EVENT_RATE } from '../rollout/traffic.ts'
import { rehearseSynthetic, type SyntheticEnd } from '../rollout/synthetic.ts'
import { formatNumber, formatPercent } from '../rollout/format.ts'
import type { CliIo } from './cli-io.ts'
import { writeJson } from './command-options.ts'
import { createProgressLine, describeRest } from './progress-line.ts'
import { buildStyle } from './render.ts'
import { buildTraffic, changeOf, type SyntheticOptions } from './synthetic-options.ts'
import { buildSyntheticReport } from './synthetic-report.ts'
import { renderSynthetic } from './synthetic-text.ts'

/** Runs rollouts on made-up traffic under the rules of a plan, and prints how they ended. */
export async function runSynthetic(
  io: CliIo,
  plan: RolloutPlan,
  rules: string,
  options: SyntheticOptions & { readonly output: 'table' | 'json' },
): Promise<void> {
  const traffic = buildTraffic(plan, options)
  const random = createRandom(options.seed)
  const ends: SyntheticEnd[] = []
  const startedAt = io.clock.monotonic()
  const progress = createProgressLine(io.stderr, io.clock)
  for (let run = 0; run < options.runs; run += 1) {
    ends.push(rehearseSynthetic(plan, traffic, random))
    progress.show(() => {
      const seconds = (io.clock.monotonic() - startedAt) / 1000
      const rest = describeRest((run + 1) / options.runs, seconds)
      return `${run + 1} of ${options.runs} rollouts, ${rest}`
    })
  }
  progress.clear()
  const report = buildSyntheticReport(plan, { rules, seed: options.seed }, ends)
  if (options.output === 'json') return writeJson(io, { ...report, traffic })
  const lines = renderSynthetic(report, describeTraffic(plan, options), buildStyle(io, io.stdout))
  io.stdout.write(`${lines.join('\n')}\n`)
}

function describeTraffic(plan: RolloutPlan, options: SyntheticOptions): readonly string[] {
  const { baselineErrorRate, errorRate = baselineErrorRate, rate } = options
  const changes = plan.metrics.flatMap((metric) => {
    const change = changeOf(metric, options)
    const size = formatPercent(Math.abs(change - 1))
    return change === 1 ? [] : [`${metric.name} ${change > 1 ? '+' : '-'}${size}`]
  })
  return [
    `${formatNumber(options.rps)} requests a second`,
    `${formatPercent(baselineErrorRate)} of the baseline's fail and ${formatPercent(errorRate)} of the canary's`,
    ...plan.metrics.flatMap((metric) => describeRate(metric, rate)),
    ...describeSegments(plan, options),
    ...(changes.length === 0 ? ['nothing else differs'] : changes),
    ...(plan.keyed ? ['every request is a new key'] : []),
  ]
}

function describeSegments(
  { metrics }: RolloutPlan,
  { segment: given }: SyntheticOptions,
): readonly string[] {
  const segments = segmentsOf(metrics)
  return segments.map((segment) => {
    const share = formatPercent(shareOfSegment(segment, segments, given))
    return `${segment} is ${share} of the requests${given[segment] === undefined ? ' (assumed)' : ''}`
  })
}

/** A share that much depends on, so that it is told where it is assumed, too. */
function describeRate(metric: MetricSpec, rates: GivenRates): readonly string[] {
  if (!isRated(metric) || whyUnchangeable(metric) !== null) return []
  const { name, kind } = metric
  const given = rates.get(name)
  const rate = given ?? (kind === 'accuracy' ? ACCURACY : EVENT_RATE)
  const share = `${formatPercent(rate)}${given === undefined ? ' (assumed)' : ''}`
  if (kind === 'sum' || kind === 'mean') return [`${name} has values of ${share} of the units`]
  return [`the baseline's ${name} is ${share}`]
}
