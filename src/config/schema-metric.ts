import { Type, type Static, type TProperties } from 'typebox'
import { DEFAULTS } from './defaults.ts'
import { bodySource, driftSource, url } from './schema-place.ts'
import {
  amount,
  count,
  map,
  namedMap,
  note,
  oneOf,
  percent,
  positiveDuration,
  positivePercent,
  probability,
  secret,
  share,
} from './schema-value.ts'

const ATTEMPT = 'live (starts a new attempt of the rollout)'
const { sensitivity, threshold } = DEFAULTS
const ON_FAILURE = ['rollback', 'pause', 'warn'] as const

const maxIncrease = Type.Optional(
  percent(note("Largest rise over the baseline, relative to the baseline's value.", ATTEMPT)),
)
const maxDecrease = Type.Optional(
  percent(note("Largest fall under the baseline, relative to the baseline's value.", ATTEMPT)),
)
const labels = {
  labelWindow: positiveDuration(note('How long a label is waited for.', ATTEMPT)),
  minLabels: Type.Optional(
    count(
      note(
        'Labels of the canary (mirror: of pairs) before a step is left.',
        'live',
        DEFAULTS.minLabels,
      ),
    ),
  ),
}
const window = positiveDuration(note('How long after a request its events count.', ATTEMPT))
const event = eventName('The name of the event in the feedback.')
const field = Type.String({
  minLength: 1,
  title: 'the name of a number in `values`, or `value`',
  ...note("The event's number: `amount` reads `values.amount`. Without it: `value`.", ATTEMPT),
})
const better = Type.Optional(oneOf(note('Which direction is good.', ATTEMPT), ['higher', 'lower']))
const maxNumber = Type.Optional(amount(note("Absolute limit of the canary's value.", 'live')))
const minNumber = Type.Optional(Type.Number(note("Least value of the canary's.", 'live')))
const maxShare = Type.Optional(share(note("Absolute limit of the canary's share.", 'live')))
const minShare = Type.Optional(share(note("Least share of the canary's.", 'live')))
const cap = Type.Optional(
  Type.Number({
    exclusiveMinimum: 0,
    title: 'a number above 0',
    ...note("Values above count as this, in the label's unit. Without it: learnt.", ATTEMPT),
  }),
)
const floor = Type.Optional(
  share(note('Absolute rise that is allowed when proving no worse.', ATTEMPT, DEFAULTS.floor)),
)

function eventName(description: string) {
  return Type.String({
    minLength: 1,
    title: 'the name of an event',
    ...note(description, ATTEMPT),
  })
}

/** Needs a margin of its own only where `maxIncrease` is 0 %, since equality can never be proved. */
function sensitivityOf(fallback: string) {
  return Type.Optional(
    positivePercent(note('Margin of the proof where the allowed change is 0%.', ATTEMPT, fallback)),
  )
}

function metric<K extends string, P extends TProperties>(kind: K, properties: P) {
  return map({
    kind: Type.Literal(kind, note('What is measured.', ATTEMPT)),
    onFailure: Type.Optional(
      oneOf(note('What harm leads to.', 'live', DEFAULTS.onFailure), ON_FAILURE),
    ),
    mode: Type.Optional(
      oneOf(note('report = shown, never deciding.', ATTEMPT, DEFAULTS.mode), ['decide', 'report']),
    ),
    segments: Type.Optional(
      Type.Boolean({ title: 'true or false', ...note('Also for each segment.', ATTEMPT, false) }),
    ),
    method: Type.Optional(
      oneOf(note('How it is judged.', ATTEMPT, DEFAULTS.method), ['sequential', 'threshold']),
    ),
    interval: Type.Optional(
      positiveDuration(
        note(
          'Between two measurements (method: threshold), or two questions to a provider.',
          'live',
          DEFAULTS.measureInterval,
        ),
      ),
    ),
    count: Type.Optional(
      count(
        note(
          'threshold: measurements that end it in a step. Without it: as long as the step lasts.',
          'live',
        ),
      ),
    ),
    failureLimit: Type.Optional(
      count(
        note(
          'threshold: failed measurements of a step that are allowed; -1 = any number.',
          'live',
          threshold.failureLimit,
        ),
        -1,
      ),
    ),
    consecutiveErrorLimit: Type.Optional(
      count(
        note(
          'threshold: measurements in a row that may be impossible.',
          'live',
          threshold.consecutiveErrorLimit,
        ),
        0,
      ),
    ),
    inconclusiveLimit: Type.Optional(
      count(
        note(
          'threshold: inconclusive measurements of a step that are allowed.',
          'live',
          threshold.inconclusiveLimit,
        ),
        0,
      ),
    ),
    consecutiveSuccessLimit: Type.Optional(
      count(note('threshold: successful measurements in a row that end it in a step.', 'live')),
    ),
    ...properties,
  })
}

const ErrorRateSchema = metric('error-rate', {
  maxIncrease,
  sensitivity: sensitivityOf(sensitivity.errorRate),
  floor,
  max: maxShare,
})
const LatencySchema = metric('latency', {
  quantile: probability(note('Which quantile, as a fraction: 0.95.', ATTEMPT)),
  maxIncrease,
  sensitivity: sensitivityOf(sensitivity.latency),
  max: Type.Optional(positiveDuration(note("Absolute limit of the canary's quantile.", 'live'))),
})
const quality = {
  maxIncrease,
  sensitivity: sensitivityOf(sensitivity.quality),
  max: maxNumber,
  cap,
  ...labels,
}
const RmseSchema = metric('rmse', quality)
const MaeSchema = metric('mae', quality)
const LogLossSchema = metric('log-loss', quality)
const AccuracySchema = metric('accuracy', {
  maxDecrease,
  sensitivity: sensitivityOf(sensitivity.quality),
  min: minShare,
  ...labels,
})
const comparison = {
  maxIncrease,
  maxDecrease,
  better,
  sensitivity: sensitivityOf(sensitivity.quality),
}
const ConversionSchema = metric('conversion', {
  ...comparison,
  event,
  window,
  floor,
  min: minShare,
  max: maxShare,
})
const SumSchema = metric('sum', {
  ...comparison,
  event,
  field: Type.Optional(field),
  window,
  cap,
  min: minNumber,
  max: maxNumber,
})
const MeanSchema = metric('mean', {
  ...comparison,
  of: Type.Optional(bodySource(note('The numeric field of the answer.', ATTEMPT))),
  event: Type.Optional(event),
  field: Type.Optional(field),
  window: Type.Optional(window),
  minLabels: Type.Optional(
    count(note('Numbers of the canary before a step is left.', 'live', DEFAULTS.minLabels)),
  ),
  cap,
  min: minNumber,
  max: maxNumber,
})
const RatioSchema = metric('ratio', {
  ...comparison,
  numerator: eventName('The event that is counted.'),
  denominator: eventName('The event that it is divided by.'),
  window,
  cap: Type.Optional(
    count(note('Most events of each kind that one unit counts.', ATTEMPT, DEFAULTS.ratioCap)),
  ),
  min: minNumber,
  max: maxNumber,
})
const DriftSchema = metric('drift', {
  of: driftSource(note('Whose distribution is compared: prediction or request:/pointer.', ATTEMPT)),
  onFailure: Type.Optional(
    oneOf(note('What a flagged shift leads to.', 'live', DEFAULTS.driftOnFailure), ON_FAILURE),
  ),
})
const DisagreementSchema = metric('disagreement', {
  max: Type.Optional(
    share(note('Largest share of the mirrored requests whose answers disagree.', ATTEMPT)),
  ),
})
const provider = {
  secret: Type.Optional(secret(note('Bearer token that is sent.', 'live'), 1)),
  maxIncrease,
  maxDecrease,
  max: Type.Optional(Type.Number(note("Absolute limit of the canary's value.", 'live'))),
  min: minNumber,
}
const PrometheusSchema = metric('prometheus', {
  url: url(note('Address of Prometheus.', 'live')),
  query: Type.String({
    minLength: 1,
    title: 'a PromQL expression whose result is one number',
    ...note('PromQL; {{version}} and {{variant}} are those of the variant asked about.', 'live'),
  }),
  ...provider,
})
const HttpSchema = metric('http', {
  url: url(
    note(
      'What is fetched; {{version}} and {{variant}} are those of the variant asked about.',
      'live',
    ),
  ),
  value: Type.Optional(
    bodySource(
      note('Where the number stands in the answer. Without it: the whole answer.', 'live'),
    ),
  ),
  ...provider,
})

const METRICS = [
  ErrorRateSchema,
  LatencySchema,
  RmseSchema,
  MaeSchema,
  LogLossSchema,
  AccuracySchema,
  ConversionSchema,
  SumSchema,
  MeanSchema,
  RatioSchema,
  DisagreementSchema,
  DriftSchema,
  PrometheusSchema,
  HttpSchema,
] as const

/** A metric as the file writes it. */
export type RawMetric = Static<(typeof METRICS)[number]>

/** A metric that another system is asked for, as the file writes it. */
export type RawProviderMetric = Static<typeof PrometheusSchema | typeof HttpSchema>

/** `services.*.analysis.metrics`: the kind decides which keys a metric has. */
export const MetricsSchema = namedMap(
  Type.Unsafe<RawMetric>({
    type: 'object',
    discriminator: { propertyName: 'kind' },
    oneOf: METRICS,
  }),
  note('What is compared between baseline and canary, or against a limit.', ATTEMPT),
)
