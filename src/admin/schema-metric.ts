import { Type } from '../config/type.ts'
import { count, numberOrNull, oneOf, orNull } from './schema-value.ts'

const ValueSchema = Type.Object(
  {
    value: numberOrNull('In the unit of the metric; null = no data.'),
    n: count('How many observations it comes from.'),
  },
  { description: 'Rates are fractions, latency is in ms, an error has the unit of the label.' },
)

const RatioSchema = Type.Object({
  estimate: numberOrNull('Canary over baseline.'),
  lower: numberOrNull('null = not bounded yet on that side.'),
  upper: numberOrNull('null = not bounded yet on that side.'),
  method: oneOf(
    ['exact', 'asymptotic'],
    '`exact` inverts the evidence; `asymptotic` is for reading only.',
  ),
  level: numberOrNull('Of both bounds together, 0.95 for 95 %; null = not recorded.'),
})

/** Evidence with the threshold at which it decides. */
export const LogEvidenceSchema = Type.Object(
  {
    log: numberOrNull(
      'Natural logarithm of the evidence; null = minus infinity: what was observed rules it out.',
    ),
    threshold: Type.Number({ description: 'It is shown from here on.' }),
  },
  { title: 'LogEvidence', description: 'Evidence with the threshold at which it decides.' },
)

const LimitSchema = Type.Object({
  max: numberOrNull('null = none on that side.'),
  min: numberOrNull('null = none on that side.'),
  ticksBeyond: count(
    'Evaluations in a row that found the canary beyond it; three fail the metric. 1 while it may be by chance.',
  ),
  baselineBeyond: Type.Boolean({
    description: 'The baseline is beyond it too, so the rollout holds.',
  }),
  byChance: Type.Boolean({
    description:
      'The canary is beyond it, and one that is at it may be by chance: no evaluation counts, and the step is not left.',
  }),
  countsAs: numberOrNull(
    "As how many requests the canary's count where that may be by chance: they are of few keys, or depend on the key. null = each counts as one.",
  ),
  tooFew: Type.Boolean({ description: 'There are too few samples in this step to judge it.' }),
  baseline: orNull(
    ValueSchema,
    'What the baseline has that it is held against, of the current step; null = not recorded (an older decision).',
  ),
  canary: orNull(
    ValueSchema,
    "The same of the canary. The metric's own `canary` is that of the comparison, which ends at 100 %.",
  ),
})

const ThresholdSchema = Type.Object({
  terms: Type.Object({
    intervalSeconds: Type.Number({ description: 'From one measurement to the next.' }),
    count: numberOrNull('Measurements that end a step; null = as long as the step lasts.'),
    failureLimit: numberOrNull('Failed measurements that are allowed; null = any number.'),
    inconclusiveLimit: Type.Number(),
    consecutiveErrorLimit: Type.Number(),
    consecutiveSuccessLimit: numberOrNull('null = none end it.'),
  }),
  counts: Type.Object({
    successful: count('Measurements of this step.'),
    failed: count('Measurements of this step.'),
    inconclusive: count('Measurements of this step.'),
    error: count('Measurements of this step.'),
    consecutiveErrors: count('In a row up to now.'),
    consecutiveSuccesses: count('In a row up to now.'),
  }),
  over: Type.Boolean({ description: 'No further measurement is taken in this step.' }),
  max: numberOrNull(),
  min: numberOrNull(),
  maxChange: numberOrNull('Largest change for the worse, as a fraction of the baseline.'),
})

const DriftSchema = Type.Object({
  psi: Type.Number({
    description: 'Population stability index, corrected for its bias; at least 0.',
  }),
  minPsi: Type.Number({
    description: 'From here on a shift is flagged, if the evidence shows one.',
  }),
  ks: Type.Number({ description: 'Largest distance of the cumulative shares.' }),
  w1: Type.Number({ description: 'Area between the cumulative shares, in the unit of the value.' }),
  edges: Type.Array(Type.Number(), { description: 'Bin i holds (edge i − 1, edge i].' }),
  baseline: Type.Array(Type.Number(), { description: 'Shares by bin: one more than edges.' }),
  canary: Type.Array(Type.Number(), { description: 'Shares by bin: one more than edges.' }),
})

/** A metric with its verdict and every number behind it. */
export const MetricSchema = Type.Object(
  {
    name: Type.String({ description: 'Its name, with the segment or the question behind it.' }),
    segment: orNull(Type.String(), 'The requests that it is about; null = all of them.'),
    kind: Type.String({ description: 'As in the configuration.' }),
    until: orNull(
      oneOf(
        ['first-byte'],
        "Of a latency until the first byte of the answer's body; null = of one until the last, and of other kinds.",
      ),
    ),
    verdict: oneOf(
      ['successful', 'failed', 'inconclusive', 'error'],
      '`error` = it could not be read, which is never failure.',
    ),
    required: Type.Boolean({ description: 'It decides.' }),
    onFailure: oneOf(['rollback', 'pause', 'warn'], 'What its harm leads to.'),
    better: oneOf(['lower', 'higher'], 'Which direction is good.'),
    margins: orNull(
      Type.Object({ harm: Type.Number(), proof: numberOrNull(), floor: Type.Number() }),
      'Allowed changes for the worse, as fractions of the baseline: beyond `harm` it is harm, beyond `proof` and the `floor` (a share of the units, whatever the baseline has) is what a proof excludes.',
    ),
    cap: numberOrNull('Values above it count as it; null = not capped, or not known yet.'),
    baseline: ValueSchema,
    canary: ValueSchema,
    ratio: orNull(
      RatioSchema,
      'Canary over baseline, with a time-uniform interval; null for latencies, without enough data, and where 90 % of both sides are counted.',
    ),
    evidence: Type.Object({
      harm: orNull(LogEvidenceSchema),
      nonInferiority: orNull(LogEvidenceSchema),
      stepNonInferiority: orNull(LogEvidenceSchema, 'On the current step alone.'),
      stepHarm: orNull(LogEvidenceSchema, 'Since the current step began.'),
    }),
    limit: orNull(
      LimitSchema,
      'An absolute limit of the configuration; null = none. Of a metric whose limit has rolled the canary back: as it was then.',
    ),
    threshold: orNull(ThresholdSchema, 'Of `method: threshold`; null = the sequential method.'),
    error: orNull(Type.String(), 'Why it could not be read, without secrets.'),
    withoutOutages: Type.Boolean({
      description:
        '`nonInferiority` is that of the time without the outages of the baseline, which prove nothing; the values and the ratio are of all.',
    }),
    outsideAlpha: Type.Boolean({
      description: 'It is compared, not tested: no error probability covers what it says.',
    }),
    stepCanaryN: count('Judged units of the canary in the current step.'),
    etaSeconds: numberOrNull(
      'Median time until it can be decided, which takes both `nonInferiority` and, before 100 %, `stepNonInferiority`: the longer of the two; null = not known.',
    ),
    drift: orNull(DriftSchema, 'null = none is watched, or nothing is known of it yet.'),
    bounds: orNull(
      Type.Object({ lower: Type.Number(), upper: Type.Number() }),
      "Of the canary's share, time-uniform; null = it has none.",
    ),
    slow: orNull(
      Type.Object({
        baseline: numberOrNull("Share of the baseline's requests."),
        canary: numberOrNull("Share of the canary's requests."),
      }),
      "What is compared of a latency: requests beyond the baseline's quantile (with the margin on the canary's side), failures among them; null = of other kinds.",
    ),
    unscored: orNull(
      Type.Object({
        labels: count('Those.'),
        of: count('All labels that came, for both variants.'),
      }),
      'Of `…/label-missing`: labels that came, and that the metric cannot score; null = none.',
    ),
    unreadable: orNull(
      Type.String(),
      'Of `…/label-missing`: from how many answers no prediction could be read, in a sentence, where these are half of them; null = they are not.',
    ),
  },
  { title: 'Metric', description: 'A metric with its verdict and every number behind it.' },
)
