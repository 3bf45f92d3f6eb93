import type { MetricSpec, ThresholdSpec } from '../../../src/domain/rollout-spec.ts'
import type { MeasurementCounts, Verdict } from '../../../src/domain/verdict.ts'
import type { Request } from './history.ts'
import { leastOf, standOfServed, standOfValues, type Side } from './limits.ts'
import type { Asked } from './questions.ts'
import type { Sample } from './sample.ts'
import type { Seen } from './world.ts'

/** A run of measurements in a step, as docs/metrics.md has it. */
export type Run = {
  readonly step: number
  readonly counts: MeasurementCounts
  readonly isOver: boolean
  readonly verdict: Verdict
  /** Of the last measurement. */
  readonly sides: readonly [Side, Side]
}

const NOTHING: Side = { n: 0, value: null }

const NONE: MeasurementCounts = {
  ...{ successful: 0, failed: 0, inconclusive: 0, error: 0 },
  ...{ consecutiveErrors: 0, consecutiveSuccesses: 0 },
}

/** The measurements of a metric, at each look of a life. */
export class Thresholds {
  readonly metric: MetricSpec
  readonly #asked: Asked | null
  readonly #sample: Sample
  readonly #warmUpMs: number
  readonly #runs: readonly Run[]

  constructor(
    metric: MetricSpec,
    asked: Asked | null,
    sample: Sample,
    life: { readonly seen: readonly Seen[]; readonly warmUpMs: number },
  ) {
    this.metric = metric
    this.#warmUpMs = life.warmUpMs
    this.#asked = asked
    this.#sample = sample
    this.#runs = this.#all(life.seen)
  }

  /** What is shown at a look: a decision of it begins the next run. */
  at(look: number): Run {
    return this.#runs[look]!
  }

  #all(seen: readonly Seen[]): readonly Run[] {
    const { threshold } = this.metric
    const restartedAt = this.#sample.history.restartedAt ?? Infinity
    const warmAgain = restartedAt + this.#warmUpMs
    const isCold = (at: number) => at >= restartedAt && at < warmAgain
    let [run, since, through, n] = [begun(-1), 0, -1, 0]
    return seen.map((now) => {
      const before = seen[Math.max(0, n++ - 1)]!
      const { step, stepEnteredAt } = before.state
      if (step !== run.step) {
        run = begun(step)
        // It begins with the first look after warm-up at which the step is there.
        since = Math.max(now.at, stepEnteredAt + (step === 0 ? this.#warmUpMs : 0))
        through = before.folded[this.metric.name] ?? -1
      } else if (before.at < warmAgain && now.at >= warmAgain) {
        // Counts are stored; the interval under way is lost, and a process begins with a warm-up.
        since = now.at
        through = now.folded[this.metric.name] ?? -1
      }
      if (isCold(now.at)) return run
      if (run.isOver || now.at < since + threshold!.intervalMs) return run
      const found = this.#measure(since, now, step, through)
      if (found === null) return run
      run = counted(run, found, threshold!)
      since = now.at
      through = now.folded[this.metric.name] ?? -1
      return run
    })
  }

  /** Null: there are too few yet. */
  #measure(since: number, { at, folded }: Seen, step: number, through: number) {
    const { metric } = this
    const { kind, maxChange, better } = metric
    const absolute = {
      max: Infinity,
      min: null,
      ...(metric.max === null ? {} : { max: metric.max }),
    }
    const isServed = kind === 'error-rate' || kind === 'latency'
    const least = leastOf(metric)
    const isEnded = ({ endsAt }: Request) => endsAt > since && endsAt <= at
    const isFolded = (cohort: number) => cohort > through && cohort <= (folded[metric.name] ?? -1)
    const frames = this.#sample.frames.filter((f) => isFolded(f.number) && f.step === step)
    const { sides } = isServed
      ? standOfServed(
          { ...metric, ...absolute },
          this.#sample.history.requests.filter(isEnded).map((each) => ({ ...each, weight: 1 })),
        )
      : standOfValues(
          metric,
          frames
            .flatMap((frame) => this.#sample.values(this.#asked!, frame))
            .map((value) => ({ ...value, weight: 1 })),
        )
    const canary = sides[1]
    const baseline = sides[0].n < least ? NOTHING : sides[0]
    if (canary.n < least || (maxChange !== null && baseline.n < least)) return null
    const [b, c] = [baseline.value ?? NaN, canary.value!]
    const floor = 'floor' in metric ? metric.floor : 0
    const isBeyond = (y: number) =>
      (metric.max !== null && y > metric.max) || (metric.min !== null && y < metric.min)
    const isWorse =
      maxChange !== null &&
      (better === 'lower' ? c > b * (1 + maxChange) + floor : c < b * (1 - maxChange))
    const said =
      isWorse || (isBeyond(c) && !isBeyond(b))
        ? 'failed'
        : isBeyond(c)
          ? 'inconclusive'
          : 'successful'
    return { said, sides: [baseline, canary] } as const
  }
}

function begun(step: number): Run {
  const sides = [NOTHING, NOTHING] as const
  return { step, counts: NONE, isOver: false, verdict: 'inconclusive', sides }
}

function counted(
  run: Run,
  {
    said,
    sides,
  }: { readonly said: 'failed' | 'inconclusive' | 'successful'; readonly sides: Run['sides'] },
  terms: ThresholdSpec,
): Run {
  const inRow = said === 'successful' ? run.counts.consecutiveSuccesses + 1 : 0
  const counts = { ...run.counts, [said]: run.counts[said] + 1, consecutiveSuccesses: inRow }
  const all = counts.successful + counts.failed + counts.inconclusive
  const { count, consecutiveSuccessLimit, failureLimit, inconclusiveLimit } = terms
  const isFailed = failureLimit !== null && counts.failed > failureLimit
  const isOpen = counts.inconclusive > inconclusiveLimit
  const isInRow = consecutiveSuccessLimit !== null && inRow >= consecutiveSuccessLimit
  const isCounted = count !== null && all >= count
  const isEndless = count === null && consecutiveSuccessLimit === null
  const isGood =
    isInRow ||
    (isCounted && consecutiveSuccessLimit === null) ||
    (isEndless && counts.successful > 0)
  // It has counted to the end without the successes in a row: where failures are not limited, that is one.
  const isMissed = isCounted && consecutiveSuccessLimit !== null && failureLimit === null
  const isOver = isFailed || isOpen || isInRow || isCounted
  if (isFailed) return { ...run, counts, sides, isOver, verdict: 'failed' }
  if (isOpen) return { ...run, counts, sides, isOver, verdict: 'inconclusive' }
  const verdict = isGood ? 'successful' : isMissed ? 'failed' : 'inconclusive'
  return { ...run, counts, sides, isOver, verdict }
}
