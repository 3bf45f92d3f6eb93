import type { Score } from '../domain/hypothesis.ts'
import type { Prediction } from '../domain/prediction.ts'
import { isLabelMetric } from '../domain/rollout-spec.ts'
import { shownMetricsOf, type Service } from '../domain/service.ts'
import { scoreOf } from '../rollout/metric-source.ts'
import { ruledId, ruleId, ruleNames } from '../routing/rule-name.ts'
import { LogHistogram } from '../statistics/histogram.ts'
import { rawScore, scoreMean, scoreValue } from '../statistics/score.ts'
import { DurationBuckets } from './duration-buckets.ts'

/** What requests that no rule matched are known by, beside the ids of rules. */
const DRAWN = 0

/** What a variant did for the requests of one rule. Shown, never judged: each rule has requests of its own. */
export class RuleFigures {
  /** Knows the rule, the variant and its version: what a label of a request that they answered is told by. */
  readonly id: number
  readonly version: string
  requests = 0
  /** Requests that failed or had no answer. */
  errors = 0
  readonly durations = new DurationBuckets()
  /** Fading with time. */
  readonly latencies = new LogHistogram()
  readonly #scores = new Map<string, { n: number; sum: number }>()

  constructor(id: number, version: string) {
    this.id = id
    this.version = version
  }

  /** Counts a finished request; `bucket: null` = its time says nothing of how fast the variant answers. */
  end(failed: boolean, durationMs: number, bucket: number | null): void {
    this.requests++
    this.durations.add(durationMs)
    if (failed) this.errors++
    if (bucket !== null) this.latencies.addAt(bucket)
  }

  /** Counts a scored prediction. */
  addScore(metric: string, value: number): void {
    const found = this.#scores.get(metric)
    if (found === undefined) this.#scores.set(metric, { n: 1, sum: value })
    else {
      found.n++
      found.sum += value
    }
  }

  /** What a metric reads in its unit; null where no label has come. */
  scoreOf({ name, score }: ShownMetric): { readonly value: number; readonly n: number } | null {
    const found = this.#scores.get(name)
    return found === undefined ? null : { value: scoreMean(score, found.sum / found.n), n: found.n }
  }
}

/** A label metric as it is shown by rule. */
export type ShownMetric = {
  readonly name: string
  readonly score: Score
  /** Labels that come later after their request are left out. */
  readonly windowMs: number
}

/** The requests of one rule, or (`name: null`) those that none matched. */
export type RulePlace = {
  readonly name: string | null
  readonly byVariant: ReadonlyMap<string, RuleFigures>
}

/**
 * What each rule of a service came to, by the variant that answered. At most as large as the configuration:
 * (rules + 1) × variants.
 */
export class RuleBook {
  readonly metrics: readonly ShownMetric[]
  readonly #versions: ReadonlyMap<string, string>
  readonly #ids: readonly number[]
  readonly #names: readonly string[]
  /** By the id of the rule, then by variant. */
  readonly #figures = new Map<number, Map<string, RuleFigures>>()
  /** The figures that a draw leads to, by variant: those that most requests ask for. */
  readonly #drawn: Map<string, RuleFigures>
  readonly #byId = new Map<number, RuleFigures>()

  /** `previous`: the same service before a reload; rules and versions that stay keep their figures. */
  constructor(service: Service, previous: RuleBook | null) {
    const { rules } = service.split
    this.metrics = shownMetricsOf(service)
      .filter(isLabelMetric)
      .map((metric) => {
        const { score, windowMs } = scoreOf(metric)
        return { name: metric.name, score, windowMs }
      })
    this.#versions = new Map(service.variants.map(({ name, version }) => [name, version]))
    this.#ids = rules.map(ruleId)
    this.#names = ruleNames(rules)
    for (const id of [...this.#ids, DRAWN]) {
      const before = previous === null ? undefined : previous.#figures.get(id)
      const kept = [...(before ?? [])].filter(
        ([variant, { version }]) => this.#versions.get(variant) === version,
      )
      // What the one before counts on is seen here, where all of it stays.
      this.#figures.set(id, before?.size === kept.length ? before : new Map(kept))
      for (const [, figures] of kept) this.#byId.set(figures.id, figures)
    }
    this.#drawn = this.#figures.get(DRAWN)!
  }

  /** The figures that a request belongs to, by the index of its rule (null = a draw decided). */
  figuresOf(rule: number | null, variant: string): RuleFigures {
    const byVariant = rule === null ? this.#drawn : this.#figures.get(this.#ids[rule]!)!
    const found = byVariant.get(variant)
    if (found !== undefined) return found
    const id = rule === null ? DRAWN : this.#ids[rule]!
    const version = this.#versions.get(variant)!
    const begun = new RuleFigures(ruledId(id, variant, version), version)
    byVariant.set(variant, begun)
    this.#byId.set(begun.id, begun)
    return begun
  }

  /**
   * Scores a prediction of a known rule, by a version that still is in place, against its label; `now` in
   * milliseconds since the epoch.
   */
  label({ rule, value, at }: Prediction, label: number, now: number): void {
    const figures = rule === undefined ? undefined : this.#byId.get(rule)
    if (figures === undefined || value === null) return
    for (const { name, score, windowMs } of this.metrics) {
      const raw = now - at > windowMs ? null : rawScore(score, value, label)
      if (raw !== null) figures.addScore(name, scoreValue(score, raw))
    }
  }

  /** The rules in their order, then what none of them matched. */
  places(): readonly RulePlace[] {
    const placeOf = (name: string | null, id: number): RulePlace => ({
      name,
      byVariant: this.#figures.get(id)!,
    })
    // One with the conditions of an earlier one never matches: what that came to is not its own.
    const nothing = new Map<string, RuleFigures>()
    return [
      ...this.#names.map((name, index) => {
        const id = this.#ids[index]!
        return this.#ids.indexOf(id) === index ? placeOf(name, id) : { name, byVariant: nothing }
      }),
      placeOf(null, DRAWN),
    ]
  }

  /** Multiplies the weight of latencies. */
  fade(factor: number): void {
    for (const byVariant of this.#figures.values()) {
      for (const { latencies } of byVariant.values()) latencies.scale(factor)
    }
  }
}
