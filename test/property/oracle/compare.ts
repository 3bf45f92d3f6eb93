import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { Case } from './cases.ts'
import { Breakers } from './compare-breaker.ts'
import { Decisions } from './compare-decisions.ts'
import { DriftComparison } from './compare-drift.ts'
import type { History } from './history.ts'
import { isPassedCap } from './holds.ts'
import { Oracle } from './judge.ts'
import { Limit } from './limit-compare.ts'
import { learnCaps } from './learnt-caps.ts'
import { questionsOf, type Asked } from './questions.ts'
import { Sample } from './sample.ts'
import { Thresholds, type Run } from './thresholds.ts'
import type { Seen, World } from './world.ts'

/** How often each kind of figure was compared, and where the two differ. */
export type Comparison = {
  readonly compared: Readonly<Record<string, number>>
  readonly differ: readonly string[]
}

/** Holds all that a world has shown against an oracle that is given its history. */
export async function compare(world: World, life: Case): Promise<Comparison> {
  const comparing = new Comparing(world, await world.history(), life)
  comparing.all()
  return comparing
}

class Comparing implements Comparison {
  readonly compared: Record<string, number> = {}
  readonly differ: string[] = []
  readonly #world: World
  readonly #life: Case
  readonly #history: History
  readonly #sample: Sample
  readonly #oracle: Oracle
  readonly #questions: readonly Asked[]
  readonly #drifts: DriftComparison
  readonly #limits: readonly Limit[]
  readonly #thresholds: readonly Thresholds[]
  readonly #decisions: Decisions

  constructor(world: World, history: History, life: Case) {
    const sample = new Sample(history, life.keys > 0, life.gateways > 1)
    const questions = questionsOf(life.metrics, learnCaps(sample, life.metrics))
    const required = questions.filter((asked) => asked.required).length
    const [keyed, agreed] = [life.keys > 0, life.gateways > 1]
    const alphas = { harm: 0.05 / Math.max(1, required), proof: 0.05, means: 0.05 }
    this.#oracle = new Oracle(sample, keyed, alphas)
    this.#drifts = new DriftComparison(life.metrics, history, { keyed, agreed })
    this.#sample = sample
    this.#questions = questions
    const isLimited = ({ min, max, threshold }: MetricSpec) =>
      threshold === undefined && (min !== null || max !== null)
    this.#limits = life.metrics.filter(isLimited).map((metric) => {
      const asked = questions.find(({ id }) => id === metric.name) ?? null
      return new Limit(metric, asked, sample, world.seen)
    })
    const isCounted = ({ threshold }: MetricSpec) => threshold !== undefined
    this.#thresholds = life.metrics.filter(isCounted).map((metric) => {
      const asked = questions.find(({ id }) => id === metric.name) ?? null
      const { warmUpMs } = life.service.rollout!.analysis
      return new Thresholds(metric, asked, sample, { seen: world.seen, warmUpMs })
    })
    this.#world = world
    this.#history = history
    this.#life = life
    this.#decisions = new Decisions({
      ...{ world, life, sample, questions, oracle: this.#oracle, hold: this.#hold },
      ...{ drifts: this.#drifts, limits: this.#limits, thresholds: this.#thresholds },
      breakers: new Breakers(life, history, world.seen),
    })
  }

  all(): void {
    const { seen } = this.#world
    for (const each of seen.filter(({ metrics }) => metrics !== null)) {
      for (const asked of this.#questions) this.#report(asked, each, seen.indexOf(each))
      this.#drifts.reports(each, this.#hold)
      const { sup } = each.ratio
      this.#hold('sample ratio', 'all', each.at, this.#decisions.sampleRatio(each), sup)
    }
    this.#drifts.bins(this.#hold, this.#life.gateways === 1 && this.#life.restart === null)
    for (const asked of this.#questions) this.#bets(asked)
    if (this.#life.gateways === 1) for (const asked of this.#questions) this.#folds(asked)
    this.#decisions.all()
    for (const limit of this.#limits) this.#limit(limit)
    for (const thresholds of this.#thresholds) this.#measurements(thresholds)
  }

  #report(asked: Asked, { at, folded, metrics }: Seen, look: number): void {
    const { id, kind } = asked
    const through = folded[id]!
    const figures = this.#oracle.figures(asked, through)
    const shown = metrics!.find(({ name }) => name === id)!
    if (!asked.isOnlyShown) this.#hold('harm', id, at, figures.harm, shown.harm!.log)
    this.#hold('proof', id, at, figures.proof, shown.nonInferiority?.log)
    if (shown.stepNonInferiority !== null) {
      this.#hold('proof of the step', id, at, figures.stepProof, shown.stepNonInferiority.log)
    }
    const isProved =
      figures.proof !== null &&
      figures.proof >= Math.log(20) &&
      !isPassedCap(this.#sample, asked, through)
    const limit = this.#limits.find(({ metric }) => metric.name === id)
    const isBroken = limit !== undefined && limit.at(look).ticks >= 3
    const isHarmed = isBroken || this.#oracle.isHarmed(asked, through)
    const verdict = isHarmed ? 'failed' : isProved ? 'successful' : 'inconclusive'
    if (!asked.isOnlyShown) this.#hold('verdict', id, at, verdict, shown.verdict)
    // Of a latency quantiles are shown, and no ratio; of what is counted the last measurement.
    if (kind === 'latency' || this.#thresholds.some(({ metric }) => metric.name === id)) return
    const root = (mean: number | null) =>
      mean !== null && kind === 'rmse' ? Math.sqrt(mean) : mean
    const { baseline, canary, ratio } = shown
    const values = [...figures.n, ...figures.mean.map(root)]
    this.#hold('values', id, at, values, [baseline.n, canary.n, baseline.value, canary.value])
    if (asked.isOnlyShown) return
    const interval = this.#oracle.interval(asked, through, figures)
    const ends = (of: typeof interval) => of && [of.estimate, of.lower, of.upper, of.level]
    this.#hold('interval', id, at, ends(interval), ends(ratio as typeof interval), 1e-6)
  }

  #bets(asked: Asked): void {
    if (asked.event !== undefined || asked.isOnlyShown) return
    for (const frame of this.#history.frames) {
      const [bets, terms] = [this.#oracle.bets(asked, frame), frame.terms.bets[asked.id] ?? null]
      const flat = (of: typeof bets) => of && [of.centre, of.lift ?? 1, ...of.harm, ...of.proof]
      this.#hold('bets', asked.id, frame.openedAt, flat(bets), flat(terms))
    }
  }

  /** A cohort is folded at the first look at which it, and each before it, has all its outcomes, and its window is over. */
  #folds({ id, windowMs }: Asked): void {
    const { frames, requests } = this.#history
    const { seen } = this.#world
    let due = 0
    for (const { number, judged, closedAt } of frames) {
      if (closedAt === null) return
      const ends = requests.filter(({ cohort }) => cohort === number).map(({ endsAt }) => endsAt)
      due = Math.max(due, closedAt + windowMs, ...ends)
      const oracle = seen.find(({ at }) => at >= due)?.at ?? null
      const product = seen.find(({ folded }) => folded[id]! >= number)?.at ?? null
      if (judged) this.#hold('fold', id, closedAt, oracle, product)
    }
  }

  #limit(limit: Limit): void {
    const { name } = limit.metric
    const { seen } = this.#world
    for (const [n, { state, at, counted }] of seen.entries()) {
      // A look that leaves a step still shows what it was left with.
      const isLeft = n > 0 && seen[n - 1]!.state.step !== state.step
      if (state.phase !== 'progressing' || isLeft || !limit.isEvaluatedAt(at)) continue
      const { sides, isBeyond, ticks, isByChance, isBaselineBeyond, ...found } = limit.at(n)
      const shown = counted.find((each) => each.name === name)!.limit!
      const [b, c] = sides
      const flat = [b.value, Math.round(b.n), c.value, Math.round(c.n)]
      const { baseline, canary } = shown
      const values = [baseline!.value, baseline!.n, canary!.value, canary!.n]
      this.#hold("limit's figures", name, at, flat, values)
      this.#hold("limit's too few", name, at, found.tooFew, shown.tooFew)
      this.#hold("limit's baseline", name, at, isBaselineBeyond, shown.baselineBeyond)
      this.#hold("limit's chance", name, at, isByChance, shown.byChance)
      // What is beyond it by chance is not counted, and yet no step is left.
      const least = isBeyond[1] && !isBaselineBeyond ? 1 : 0
      this.#hold("limit's ticks", name, at, Math.max(ticks, least), shown.ticksBeyond)
      if (found.isLate) this.compared['limit of late'] = (this.compared['limit of late'] ?? 0) + 1
      const counts = found.countsAs === null ? Infinity : Math.max(1, Math.round(found.countsAs))
      const countsAs = counts < Math.round(c.n) ? counts : null
      if (isByChance) this.#hold("limit's keys", name, at, countsAs, shown.countsAs)
    }
  }

  #measurements(thresholds: Thresholds): void {
    const { name } = thresholds.metric
    const { seen } = this.#world
    for (const [n, { at, counted }] of seen.entries()) {
      const run = thresholds.at(n)
      const { threshold, verdict, ...last } = counted.find((each) => each.name === name)!
      const { counts, over } = threshold!
      const flat = (of: typeof counts) => [of.successful, of.failed, of.inconclusive, of.error]
      this.#hold('measurements', name, at, flat(run.counts), flat(counts))
      const values = ([b, c]: Run['sides']) => [b.value, b.n, c.value, c.n]
      this.#hold('measured', name, at, values(run.sides), values([last.baseline, last.canary]))
      this.#hold('verdict of measurements', name, at, [run.isOver, run.verdict], [over, verdict])
    }
  }

  readonly #hold = (
    what: string,
    of: string,
    at: number,
    oracle: unknown,
    product: unknown,
    within = 1e-9,
  ): void => {
    this.compared[what] = (this.compared[what] ?? 0) + 1
    if (isClose(oracle ?? null, product ?? null, within)) return
    const seconds = (at - this.#world.drive.began) / 1000
    const [mine, shown] = [JSON.stringify(oracle), JSON.stringify(product)]
    this.differ.push(`${what} of ${of} after ${seconds} s: ${mine}, and the product has ${shown}`)
  }
}

/** Equal, but for the last digits of numbers. */
export function isClose(a: unknown, b: unknown, within: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return a === b || Math.abs(a - b) <= within * Math.max(1, Math.abs(a), Math.abs(b))
  }
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b
  return a.length === b.length && a.every((each, n) => isClose(each, b[n], within))
}
