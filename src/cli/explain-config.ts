import type { ExperimentPlanJson } from '../admin/present-experiment-plan.ts'
import type { PlanJson } from '../admin/present-plan.ts'
import { rulesTo, weightsOf } from '../admin/present-rules.ts'
import type { Config } from '../config/config.ts'
import type { MetricSpec, RolloutSpec, StepSpec } from '../domain/rollout-spec.ts'
import { isWaitingMetric } from '../domain/rollout-spec.ts'
import type { FieldSource, Service, SplitSpec } from '../domain/service.ts'
import { bpToPercent, formatDuration, WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import {
  formatChange,
  formatCount,
  formatFloor,
  formatLimit,
  formatNumber,
  formatPercent,
  formatWeight,
} from '../rollout/format.ts'
import { ruleNames } from '../routing/rule-name.ts'
import { describeRule } from './render-rules.ts'
import { formatSeconds } from './render.ts'

/** What a gateway with this configuration does with one service, in sentences; `plan: null` = its traffic is not known. */
export function explainService(
  service: Service,
  plan: PlanJson | ExperimentPlanJson | null,
): readonly string[] {
  const { rollout } = service
  return [
    describeMatch(service),
    describeSplit(service),
    ...service.mirrors.map(
      ({ to, share }) =>
        `${to} gets copies of ${formatPercent(share)} of the requests; nobody waits for its answers.`,
    ),
    ...(rollout === null ? describeFixed(service) : describeRollout(service, rollout)),
    ...(plan === null ? [] : describeTimes(plan)),
    ...describeTold(service),
  ]
}

/** Where the gateway listens, in a sentence. */
export function explainGateway({ gateway, admin }: Config): string {
  const at = ({ host, port }: { readonly host: string; readonly port: number }) => `${host}:${port}`
  const tokens = admin.tokens.length
  const access =
    tokens === 0 ? 'without tokens' : tokens === 1 ? 'with a token' : `with ${tokens} tokens`
  return `The gateway takes requests at ${at(gateway.listen)} and operators' at ${at(admin.listen)}, ${access}.`
}

function describeMatch({ name, match, variants }: Service): string {
  const methods = match.methods === null ? 'Requests' : `${match.methods.join(', ')} requests`
  const host = match.host === null ? '' : ` of ${match.host}`
  const versions = variants.map((variant) => `${variant.name} ${variant.version}`).join(', ')
  return `${name}: ${methods} for ${match.path}${host} go to one of: ${versions}.`
}

function describeSplit({ split, rollout }: Service): string {
  const key =
    split.key === null
      ? 'Each request is drawn by itself.'
      : `The key is ${describeField(split.key)}: whoever has the same one stays on one version while the weights stand.`
  return split.rules.length === 0 ? key : `${key} ${describeRules(split, rollout !== null)}`
}

function describeRules(split: SplitSpec, isMoved: boolean): string {
  const count = split.rules.length
  const comes = count === 1 ? 'A rule comes' : `${count} rules come`
  const names = ruleNames(split.rules).map((name, i) =>
    describeRule(name, weightsOf(split.rules[i]!)),
  )
  const stays = isMoved && rulesTo(split, BASELINE).length > 0
  const they = count === 1 ? 'It holds' : 'They hold'
  const left = stays ? ` ${they} after a promotion too: the baseline stays in use.` : ''
  return `${comes} first: ${names.join('; ')}.${left}`
}

function describeField(source: FieldSource): string {
  if (source.from === 'ip') return "the client's address"
  return source.from === 'body' ? `${source.pointer} of the body` : `${source.from} ${source.name}`
}

function describeFixed({ split, experiment, variants }: Service): readonly string[] {
  const weights = Object.entries(split.weightsBp)
  const shares = weights.map(([name, bp]) => `${name} ${percent(bp)}`).join(', ')
  const rest = WHOLE_BP - weights.reduce((sum, [, bp]) => sum + bp, 0)
  const fixed =
    weights.length === 0
      ? `${variants[0]!.name} has everything.`
      : `The weights are fixed: ${shares}, ${variants[0]!.name} ${percent(rest)}.`
  if (experiment === undefined) return [`${fixed} Nothing is judged.`]
  return [
    fixed,
    `Each is compared with ${variants[0]!.name}, whether this is shown: ${experiment.metrics.map(describeMetric).join('; ')}. Nothing moves before \`serin promote\`.`,
  ]
}

function describeRollout(service: Service, rollout: RolloutSpec): readonly string[] {
  const { analysis, watchMs, holdbackBp, start, maxDurationMs, strategy } = rollout
  const decides = analysis.metrics.filter(({ mode }) => mode === 'decide')
  const on = (what: MetricSpec['onFailure']) =>
    decides.filter(({ onFailure }) => onFailure === what)
  const begin = start === 'manual' ? 'Once `serin promote` is given' : 'Once the canary is healthy'
  const held = holdbackBp === 0 ? '' : `, with ${percent(holdbackBp)} held back`
  return [
    `${begin} its share goes: ${rollout.steps.map(describeStep).join(', then ')}.`,
    ...[
      ['rollback', 'It goes back to 0 % when this is shown of the canary:'],
      ['pause', 'It pauses when this is shown:'],
      ['warn', 'It is only told when this is shown:'],
    ].flatMap(([what, text]) => {
      const metrics = on(what as MetricSpec['onFailure'])
      return metrics.length === 0 ? [] : [`${text} ${metrics.map(describeMetric).join('; ')}.`]
    }),
    `It also goes back when the canary is down, or when ${formatPercent(analysis.breakerFailures)} of its requests fail, or of its clients leave before an answer.`,
    ...(strategy === 'blue-green' ? [] : describeProof(decides)),
    ...describeGate(service),
    `100 % is watched for ${formatDuration(watchMs)}${held}, and then final.`,
    ...(strategy === 'blue-green'
      ? []
      : [
          `After ${formatDuration(maxDurationMs)} without a decision it ${INCONCLUSIVE[rollout.onInconclusive]}.`,
        ]),
    ...describeLabels(service, analysis.metrics),
  ]
}

const INCONCLUSIVE = {
  hold: 'stays where it is, and waits for somebody',
  rollback: 'goes back to 0 %',
  promote: 'is promoted',
} as const

function describeStep(step: StepSpec): string {
  if (step.kind === 'pause') {
    return step.durationMs === null
      ? 'a pause until `serin promote`'
      : `a pause of ${formatDuration(step.durationMs)}`
  }
  const least = `for ${formatDuration(step.minDurationMs)} and ${formatCount(step.minRequests)} judged`
  if (step.kind === 'mirror') return `a mirror of ${formatPercent(step.share)} ${least}`
  return step.weightBp === WHOLE_BP ? '100 %' : `${percent(step.weightBp)} ${least} at least`
}

function describeMetric(metric: MetricSpec): string {
  const { name, maxChange, better, max, min, kind, threshold } = metric
  const change = maxChange === 0 ? `any ${better === 'lower' ? 'rise' : 'fall'}` : null
  const what = [
    ...(maxChange === null ? [] : [change ?? formatChange(better, maxChange)]),
    ...(max === null && min === null ? [] : [`beyond ${formatLimit(kind, { max, min })}`]),
  ].join(', or ')
  const how = threshold === undefined ? '' : ' (measurements are counted)'
  return `${name}${what === '' ? '' : `: ${what}`}${how}`
}

function describeProof(metrics: readonly MetricSpec[]): readonly string[] {
  const proved = metrics.filter((m) => m.maxChange !== null && m.onFailure !== 'warn')
  if (proved.length === 0) return ['Nothing has to be proved before 100 %.']
  const margins = proved.map((metric) => {
    const { name, maxChange, sensitivity } = metric
    const margin = formatPercent(maxChange === 0 ? sensitivity : maxChange!)
    return `${name} within ${margin}${formatFloor('floor' in metric ? metric.floor : 0)}`
  })
  return [`Before 100 % it has to be proved no worse: ${margins.join(', ')}.`]
}

function describeGate({ notify }: Service): readonly string[] {
  const asked = hostsOf(notify.filter(({ confirmsPromotion }) => confirmsPromotion))
  if (asked.length === 0) return []
  const has = asked.length === 1 ? 'has' : 'have'
  return [
    `100 % is a gate: ${asked.join(' and ')} ${has} to answer 200 before (\`confirm-promotion\`), or \`serin promote\` is given; until then the canary stays at its last weight.`,
  ]
}

function describeTold({ notify }: Service): readonly string[] {
  const told = hostsOf(notify.filter(({ on }) => on.length > 0))
  if (told.length === 0) return []
  return [`${told.join(' and ')} ${told.length === 1 ? 'is' : 'are'} told of decisions.`]
}

/** Several hooks may lead to one host, which is named once. */
function hostsOf(hooks: Service['notify']): readonly string[] {
  return [...new Set(hooks.map(({ url }) => new URL(url).host))]
}

function describeLabels({ observe }: Service, metrics: readonly MetricSpec[]): readonly string[] {
  const waiting = metrics.filter(isWaitingMetric).filter((m) => waitOf(m) > 0)
  if (waiting.length === 0) return []
  const names = waiting.map((metric) => `${metric.name} within ${formatDuration(waitOf(metric))}`)
  const by = observe.prediction === null ? '' : `, joined by ${observe.requestIdHeader}`
  return [`Post labels and events with \`serin feedback\`${by}: ${names.join(', ')}.`]
}

function waitOf(
  metric: Extract<MetricSpec, { labelWindowMs: number } | { windowMs: number }>,
): number {
  return 'labelWindowMs' in metric ? metric.labelWindowMs : metric.windowMs
}

function describeTimes(plan: PlanJson | ExperimentPlanJson): readonly string[] {
  if (plan.strategy !== 'fixed') return [describeTime(plan)]
  const traffic = `At ${formatNumber(plan.unitsPerSecond)} ${plan.unit === 'key' ? 'new keys' : 'requests'} a second`
  return plan.comparisons.map(({ variant, p50Seconds, p80Seconds }) => {
    if (p50Seconds === null || p80Seconds === null)
      return `${traffic} ${variant} is never told apart.`
    return `${traffic} nothing is unknown of ${variant} after ${formatSeconds(p50Seconds)} in half of the experiments, and after ${formatSeconds(p80Seconds)} in four of five, were it as good as the baseline.`
  })
}

function describeTime({
  p50Seconds,
  p80Seconds,
  fits,
  unitsPerSecond,
  unit,
  strategy,
}: PlanJson): string {
  const traffic = `At ${formatNumber(unitsPerSecond)} ${unit === 'key' ? 'new keys' : 'requests'} a second`
  if (strategy === 'blue-green') return `${traffic} it is at 100 % as soon as its pauses are over.`
  if (p50Seconds === null || p80Seconds === null) return `${traffic} it never gets there.`
  const limit = fits ? '' : ', which is longer than it may'
  return `${traffic} it is there after ${formatSeconds(p50Seconds)} in half of the rollouts, and after ${formatSeconds(p80Seconds)} in four of five${limit}.`
}

function percent(bp: number): string {
  return formatWeight(bpToPercent(bp))
}
