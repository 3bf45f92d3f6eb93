import type {
  FieldSource,
  MirrorSpec,
  ObserveSpec,
  RuleCondition,
  RuleSpec,
  Service,
  SplitSpec,
} from '../domain/service.ts'
import { fractionToBp, parseSize } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { buildNotify } from './build-notify.ts'
import { buildAnalysis, buildRollout } from './build-rollout.ts'
import { buildVariant } from './build-variant.ts'
import { answerPointersOf, eventFieldsOf } from '../rollout/event-fields.ts'
import { DEFAULTS } from './defaults.ts'
import { parseFieldSource, toHeaderName } from './field-source.ts'
import { toFraction } from './fraction.ts'
import { shareText } from './share-text.ts'
import type { RawService } from './schema.ts'
import type { RawCondition, RawMirror, RawRule, RawSegment, RawSplit } from './schema-split.ts'

/** A service as a checked file means it. `folder`: where relative paths of files begin. */
export function buildService(name: string, raw: RawService, folder: string): Service {
  const { match, observe } = raw
  const segments = observe?.segment?.values ?? []
  const rollout =
    raw.rollout === undefined ? null : buildRollout(raw.rollout, raw.analysis ?? {}, segments)
  const experiment = isExperiment(raw) ? buildAnalysis(raw.analysis!, segments) : null
  const metrics = (rollout?.analysis ?? experiment)?.metrics ?? []
  return {
    name,
    match: {
      path: match.path,
      methods: match.methods?.map((method) => shareText(method.toUpperCase())) ?? null,
      host: match.host?.toLowerCase() ?? null,
    },
    idempotent: raw.idempotent ?? false,
    variants: Object.entries(raw.variants)
      .sort(([a], [b]) => rank(a) - rank(b))
      .map(([variant, rest]) => buildVariant(variant, rest, folder)),
    split: buildSplit(raw.split ?? {}),
    mirrors: (raw.mirror ?? []).map(buildMirror),
    observe: {
      requestIdHeader: toHeaderName(
        (observe?.requestId ?? DEFAULTS.requestId).slice('header:'.length),
      ),
      prediction: observe?.prediction?.slice('body:'.length) ?? null,
      sample: toFraction(observe?.sample ?? DEFAULTS.observeSample),
      numbers: answerPointersOf(metrics),
      awaitsEvents: eventFieldsOf(metrics).size > 0,
      ...buildSegment(observe?.segment),
    },
    failureStatuses: raw.errors?.statuses ?? null,
    ...buildStreamError(raw.errors?.streamError),
    rollout,
    ...(experiment === null ? undefined : { experiment }),
    ...(isShown(raw) ? { shown: buildAnalysis(raw.analysis!, segments).metrics } : undefined),
    notify: buildNotify(raw.notify ?? []),
  }
}

function isExperiment({ rollout, analysis, split }: RawService): boolean {
  return rollout === undefined && analysis !== undefined && split?.weights !== undefined
}

/** Whether nothing is drawn, so that an analysis can only be shown by rule. */
function isShown({ rollout, analysis, split }: RawService): boolean {
  return rollout === undefined && analysis !== undefined && split?.weights === undefined
}

function buildMirror(raw: RawMirror): MirrorSpec {
  const { to, share, maxBody, tolerance } = { ...DEFAULTS.mirror, ...raw }
  return { to, share: toFraction(share), maxBytes: parseSize(maxBody)!, tolerance }
}

function buildStreamError(source: string | undefined): Pick<Service, 'streamError'> {
  return source === undefined ? {} : { streamError: source.slice('body:'.length) }
}

function buildSegment(raw: RawSegment | undefined): Pick<ObserveSpec, 'segment'> {
  if (raw === undefined) return {}
  return { segment: { from: parseFieldSource(raw.from)!, values: raw.values } }
}

function buildSplit(raw: RawSplit): SplitSpec {
  return {
    key: raw.key === undefined ? null : parseFieldSource(raw.key),
    ...(raw.coin === 'value' ? { coin: raw.coin } : undefined),
    rules: (raw.rules ?? []).map(buildRule),
    weightsBp: buildWeights(raw.weights ?? {}),
    override:
      raw.override === undefined
        ? null
        : { header: toHeaderName(raw.override.header), secret: raw.override.secret },
  }
}

function buildRule(raw: RawRule): RuleSpec {
  const when = Object.entries(raw.when).map(([field, condition]) =>
    buildCondition(parseFieldSource(field)!, condition),
  )
  const { variant } = raw
  return variant === undefined
    ? { when, then: { weightsBp: buildWeights(raw.weights ?? {}) } }
    : { when, then: { variant } }
}

function buildCondition(field: FieldSource, raw: RawCondition): RuleCondition {
  if ('length' in raw) return { field, test: 'in', values: raw.map(String) }
  const { gte = null, gt = null, lt = null, lte = null, prefix } = raw
  return prefix === undefined
    ? { field, test: 'range', gte, gt, lt, lte }
    : { field, test: 'prefix', prefix }
}

/** The baseline has what the others leave, so it is not named. */
function buildWeights(raw: Readonly<Record<string, string | 0>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(raw)
      .filter(([variant]) => variant !== BASELINE)
      .map(([variant, weight]) => [variant, fractionToBp(toFraction(weight))]),
  )
}

function rank(variant: string): number {
  const order = [BASELINE, CANARY].indexOf(variant)
  return order === -1 ? 2 : order
}
