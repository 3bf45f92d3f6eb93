import type { PlanJson, StepPlanJson, TimesJson } from '../admin/present-plan.ts'
import { formatDuration } from '../domain/units.ts'
import { formatPercent, formatRate, formatWeight } from '../rollout/format.ts'
import { formatSeconds, renderLabelled, renderTable, type Style } from './render.ts'

/** Builds the lines of `plan`: the steps, what the proof and the regressions take, and the whole. */
export function renderPlan(plan: PlanJson, style: Style): readonly string[] {
  const { width } = style
  const label = (name: string, text: string) => renderLabelled(name, text, width)
  return [
    `${style.bold(plan.service)}  ${plan.versions.baseline}->${plan.versions.canary}  ${describeTraffic(plan)}`,
    ...(plan.steps.length === 0 ? [] : renderTable(stepRows(plan), '<>>><', style)),
    ...(plan.baseline.length === 0 ? [] : liveChunks(plan.steps)).flatMap((steps) => {
      const align = `<>${'>'.repeat(steps.length)}`
      return [
        '',
        'To prove an equal canary no worse, half and four of five of the rollouts take',
        ...renderTable(proofRows(steps), align, style),
        '',
        'To see a canary that turns worse as a step begins; sooner, if it was before',
        ...renderTable(harmRows(steps), align, style),
      ]
    }),
    ...nothings(plan).map((name) => `${name}: twice nothing is nothing, and the baseline has none`),
    '',
    ...label('whole', describeWhole(plan)),
    // Nothing is compared before a switch, and pauses have no limit.
    ...(plan.strategy === 'blue-green' ? [] : label('limit', describeLimit(plan))),
    ...plan.suggestions.flatMap((text, index) => label(index === 0 ? 'to fit' : 'or', text)),
    ...(plan.strategy === 'blue-green' ? [] : label('baseline', describeBaseline(plan))),
  ]
}

function describeTraffic({ unit, unitsPerSecond, trafficFrom }: PlanJson): string {
  return `${formatRate(unitsPerSecond, unit === 'key')} (${trafficFrom})`
}

function stepRows({ steps }: PlanJson): string[][] {
  return [
    ['  step', 'weight', 'p50', 'p80', 'takes longest'],
    ...steps.map((step) => [
      `  ${step.index + 1}`,
      weightOf(step),
      formatTime(step.p50Seconds),
      formatTime(step.p80Seconds),
      step.proves && step.metrics.length > 0 ? `${step.slowest} (needs proof)` : step.slowest,
    ]),
  ]
}

function proofRows(steps: readonly StepPlanJson[]): string[][] {
  return metricRows(steps, 'margin', (metric) => [formatMargin(metric), metric.prove])
}

/** What a proof allows: `50 % + 0.1 %` with its floor. */
export function formatMargin({
  margin,
  floor,
}: Pick<StepPlanJson['metrics'][number], 'margin' | 'floor'>): string {
  return floor > 0 ? `${formatPercent(margin)} + ${formatPercent(floor)}` : formatPercent(margin)
}

// Shares above a cap stand beside a metric that is shown: nobody asks how soon they are seen.
function harmRows(all: readonly StepPlanJson[]): string[][] {
  const steps = all.map((step) => {
    return { ...step, metrics: step.metrics.filter(({ name }) => !name.includes('/')) }
  })
  return metricRows(steps, 'worse by', ({ regression, see }) => [formatPercent(regression), see])
}

function metricRows(
  steps: readonly StepPlanJson[],
  head: string,
  read: (metric: StepPlanJson['metrics'][number]) => readonly [change: string, times: TimesJson],
): string[][] {
  return [
    ['  metric', head, ...steps.map((step) => `at ${weightOf(step)}`)],
    ...steps[0]!.metrics.map((metric, row) => [
      `  ${metric.name}`,
      read(metric)[0],
      ...steps.map(({ metrics }) => {
        return formatRange(read(metrics[row]!)[1])
      }),
    ]),
  ]
}

/** Metrics of which a regression can never be seen, since it is a multiple of 0. */
function nothings({ baseline, steps }: PlanJson): readonly string[] {
  const isNever = (name: string) =>
    steps.some((step) => step.metrics.some((m) => m.name === name && m.see.p80Seconds === null))
  return baseline.filter(({ name, value }) => value === 0 && isNever(name)).map(({ name }) => name)
}

/** As many weights as a terminal is wide enough for; no metric is forecast of a mirror. */
function liveChunks(all: readonly StepPlanJson[]): readonly (readonly StepPlanJson[])[] {
  const steps = all.filter((step) => step.weight > 0)
  const size = 3
  return Array.from({ length: Math.ceil(steps.length / size) }, (_, chunk) =>
    steps.slice(chunk * size, (chunk + 1) * size),
  )
}

/** Half and four of five in one: `28-30 min`, `75 s-2 min`, `10 min`. */
export function formatRange({ p50Seconds, p80Seconds }: TimesJson): string {
  const [from, to] = [formatTime(p50Seconds), formatTime(p80Seconds)]
  if (from === to) return to
  const [count, unit] = from.split(' ')
  return to.endsWith(` ${unit}`) ? `${count}-${to}` : `${from}-${to}`
}

function describeWhole(plan: PlanJson): string {
  if (plan.strategy === 'blue-green') return describeSwitch(plan)
  if (plan.p50Seconds === null) return `never at ${formatWeight(plan.watchWeight)}`
  const pauses = plan.pauseSeconds === 0 ? '' : ', timed pauses included'
  const approvals = plan.approvals === 0 ? '' : `, and the time of ${countApprovals(plan)}`
  return `at ${formatWeight(plan.watchWeight)} after ${formatTime(plan.p50Seconds)} in half of the rollouts, ${formatTime(plan.p80Seconds)} in four of five${pauses}${approvals}`
}

function describeSwitch(plan: PlanJson): string {
  const waits = [
    ...(plan.pauseSeconds === 0 ? [] : [`${formatDuration(plan.pauseSeconds * 1000)} of pauses`]),
    ...(plan.approvals === 0 ? [] : [countApprovals(plan)]),
  ]
  return `blue-green: from 0 % to 100 % at once after ${waits.join(' and ')}, without comparative proof, whatever the traffic`
}

function countApprovals({ approvals }: PlanJson): string {
  return approvals === 1 ? 'an approval' : `${approvals} approvals`
}

function describeLimit({ fits, maxDurationSeconds }: PlanJson): string {
  const limit = formatSeconds(maxDurationSeconds)
  return fits ? `within maxDuration (${limit})` : `longer than maxDuration (${limit})`
}

/** What the baseline is taken to be, metric by metric. */
export function describeBaseline({
  baseline,
}: {
  readonly baseline: readonly Pick<PlanJson['baseline'][number], 'name' | 'text' | 'from'>[]
}): string {
  const shown = baseline.map(({ name, text, from }) => `${name} ${text} (${from})`)
  return shown.length === 0 ? 'not compared: nothing is to be proved' : shown.join(', ')
}

function weightOf({ weight }: StepPlanJson): string {
  return weight === 0 ? 'mirror' : formatWeight(weight)
}

/** Seconds for people; null = never. */
export function formatTime(seconds: number | null): string {
  return seconds === null ? 'never' : formatSeconds(seconds)
}
