import type { Static } from 'typebox'
import { MOST_MEASURED } from '../domain/measurable.ts'
import { DEFAULTS } from './defaults.ts'
import { ATTEMPT, metric, ON_FAILURE } from './schema-metric-common.ts'
import { bodySource, driftSource, secretHeaders, url } from './schema-place.ts'
import {
  amount,
  bearer,
  count,
  namedMap,
  note,
  oneOf,
  percent,
  positiveDuration,
  positivePercent,
  probability,
  share,
} from './schema-value.ts'
import { Type } from './type.ts'

const { sensitivity } = DEFAULTS

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
const cap = capIn("in the label's unit")
const floor = Type.Optional(
  share(note('Absolute rise that is allowed when proving no worse.', ATTEMPT, DEFAULTS.floor)),
)

function capIn(unit: string) {
  return Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: MOST_MEASURED,
      title: 'a number above 0, at most 1e50',
      ...note(`Values above count as this, ${unit}. Without it: learnt.`, ATTEMPT),
    }),
  )
}

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

const ErrorRateSchema = metric('error-rate', {
  maxIncrease,
  sensitivity: sensitivityOf(sensitivity.errorRate),
  floor,
  max: maxShare,
})
const LatencySchema = metric('latency', {
  quantile: probability(
    note('Which quantile, as a fraction: 0.95.', ATTEMPT),
    'a fraction between 0 and 1, without both, such as 0.95 (p95) or 0.99 (p99)',
  ),
  until: Type.Optional(
    oneOf(
      note(
        "When the time of a request ends: with the last byte of its answer, or the first of the answer's body (of a model that streams, the first token).",
        ATTEMPT,
        DEFAULTS.until,
      ),
      ['first-byte', 'last-byte'],
    ),
  ),
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
const LogLossSchema = metric(
  'log-loss',
  { ...quality, cap: capIn('in units of the loss (-ln of a probability: 4.6 is one of 1 %)') },
  'A label is 0 or 1, and a prediction the probability of 1, from 0 to 1; −1 for "no", or scores in percent, cannot be scored.',
)
const AccuracySchema = metric(
  'accuracy',
  {
    maxDecrease,
    sensitivity: sensitivityOf(sensitivity.quality),
    min: minShare,
    ...labels,
  },
  'The share of predictions that equal their label exactly: both are classes, written as the same numbers. A probability or a score equals none; it needs `log-loss`.',
)
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
const MeanSchema = metric(
  'mean',
  {
    ...comparison,
    of: Type.Optional(
      bodySource(
        note(
          'The numeric field of the answer; of a stream that of its last event that has it.',
          ATTEMPT,
        ),
      ),
    ),
    event: Type.Optional(event),
    field: Type.Optional(field),
    window: Type.Optional(
      positiveDuration(
        note(
          'How long after a request its events count; with `of`: how long answers that stream may take, more than 30 s.',
          ATTEMPT,
        ),
      ),
    ),
    minLabels: Type.Optional(
      count(note('Numbers of the canary before a step is left.', 'live', DEFAULTS.minLabels)),
    ),
    cap,
    min: minNumber,
    max: maxNumber,
  },
  'Of numbers from 0 on. An event with one below 0 is rejected, and an answer with one is missed: shift a scale that goes below 0.',
)
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
  secret: Type.Optional(bearer(note('Bearer token that is sent.', 'live'), 1)),
  headers: Type.Optional(
    secretHeaders(note('Header fields that are sent; their values are shown nowhere.', 'live')),
  ),
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
