import { isClose, type Comparison } from './compare.ts'
import type { ExperimentCase } from './experiment-cases.ts'
import type { ExperimentWorld, SeenComparison } from './experiment-world.ts'
import { eventEvidence, logMeanExp, type Stratum } from './formulas.ts'
import type { History } from './history.ts'
import { Oracle, type Alphas } from './judge.ts'
import { Sample } from './sample.ts'
import { questionsOf, type Asked } from './questions.ts'

/** α of what guards the metrics, in either direction. */
const GUARD_LOG = Math.log(1000)

/** Holds what a world has shown of its challengers against docs/ab-testing.md and docs/statistics.md. */
export async function compareExperiment(
  world: ExperimentWorld,
  life: ExperimentCase,
): Promise<Comparison> {
  const challengers = Object.keys(life.weights)
  const comparisons: Comparing[] = []
  for (const challenger of challengers) {
    const comparing = new Comparing(world, life, await world.history(challenger), challenger)
    comparing.all()
    comparisons.push(comparing)
  }
  const [told, wanted] = [toldBy(world), newsOf(world, comparisons).join(', ')]
  const compared: Record<string, number> = { told: told.length }
  for (const each of comparisons) {
    for (const [what, n] of Object.entries(each.compared))
      compared[what] = (compared[what] ?? 0) + n
  }
  const all = told.join(', ')
  const news = all === wanted ? [] : [`told were ${all}, and not ${wanted}`]
  return { compared, differ: [...comparisons.flatMap(({ differ }) => differ), ...news] }
}

function toldBy({ drive: { decisions, began } }: ExperimentWorld): readonly string[] {
  const verdicts = decisions.filter(({ action }) => action === 'verdict')
  return verdicts.map(({ at, summary }) => {
    const [, variant, words] = /^(\w+) .* shown to be (worse|no worse|better)/.exec(summary)!
    return `${variant} ${words!.replace(' ', '-')} after ${at - began}`
  })
}

/** At each look at most one challenger's new verdict over all, where the split is as drawn. */
function newsOf(world: ExperimentWorld, comparisons: readonly Comparing[]): readonly string[] {
  const [told, news] = [new Map<string, string>(), [] as string[]]
  for (const at of new Set(world.seen.map((each) => each.at))) {
    const next = comparisons.find(({ challenger, verdictAt }) => {
      const verdict = verdictAt(at)
      return verdict !== null && verdict !== told.get(challenger)
    })
    if (next === undefined) continue
    const verdict = next.verdictAt(at)!
    told.set(next.challenger, verdict)
    news.push(`${next.challenger} ${verdict} after ${at - world.drive.began}`)
  }
  return news
}

/** A question, and whether one is better by it at all; null = that is not asked. */
type Compared = { readonly asked: Asked; readonly better: Asked | null }

class Comparing implements Comparison {
  readonly compared: Record<string, number> = {}
  readonly differ: string[] = []
  readonly #world: ExperimentWorld
  readonly #life: ExperimentCase
  readonly #history: History
  readonly challenger: string
  /** What is said over all since when; null = nothing, or the split is not as drawn. */
  readonly #verdicts: (readonly [at: number, verdict: string | null])[] = []
  readonly #oracle: Oracle
  readonly #questions: readonly Compared[]
  readonly #alphas: Alphas

  constructor(world: ExperimentWorld, life: ExperimentCase, history: History, challenger: string) {
    const asked = questionsOf(life.metrics)
    const sample = new Sample(history, life.keys > 0, life.gateways > 1)
    // Shared by the challengers and what is required of each.
    const parts = Object.keys(life.weights).length * asked.filter((each) => each.required).length
    const { rollback, promote } = life.alpha
    this.#alphas = { harm: rollback / parts, proof: promote / parts, means: rollback / parts }
    this.#questions = asked.map((each) => ({ asked: each, better: betterOf(each) }))
    this.#oracle = new Oracle(sample, life.keys > 0, this.#alphas)
    this.#world = world
    this.#life = life
    this.#history = history
    this.challenger = challenger
  }

  readonly verdictAt = (at: number): string | null =>
    this.#verdicts.findLast(([since]) => since <= at)?.[1] ?? null

  get #mismatchLog(): number {
    return Math.log(1000 * Object.keys(this.#life.weights).length)
  }

  all(): void {
    const own = this.#world.seen.filter(({ variant }) => variant === this.challenger)
    let before: SeenComparison | null = null
    for (const each of own) {
      const isNews = Object.entries(each.folded).some(([id, n]) => before?.folded[id] !== n)
      if (isNews) this.#look(each)
      before = each
    }
    for (const { asked, better } of this.#questions) {
      this.#bets(asked)
      if (better !== null) this.#bets(better)
    }
  }

  #look(seen: SeenComparison): void {
    const { at, ratio, shown } = seen
    const verdicts = this.#questions.map((each) => this.#metric(each, seen))
    const required = verdicts.filter((verdict) => verdict !== null)
    const overall = required.includes('worse')
      ? 'worse'
      : required.includes('unknown')
        ? 'unknown'
        : required.includes('better')
          ? 'better'
          : 'no-worse'
    const isDrawn = this.#oracle.sampleRatio(ratio.foldedThrough) < this.#mismatchLog
    this.#verdicts.push([at, isDrawn && overall !== 'unknown' ? overall : null])
    this.#hold('verdict over all', at, overall, shown.verdict)
    const { foldedThrough, sup } = ratio
    const mismatch = this.#oracle.sampleRatio(foldedThrough)
    this.#hold('sample ratio', at, mismatch, sup)
    const { baseline, challenger } = shown.units
    this.#hold('units', at, this.#oracle.units(foldedThrough), [baseline, challenger])
    const { weights } = this.#life
    const own = weights[this.challenger]!
    const all = Object.values(weights).reduce((sum, weight) => sum + weight, 0)
    this.#hold('share', at, own / (own + 100 - all), shown.expectedShare)
    const found = shown.ratioMismatch
    this.#hold('mismatch', at, [mismatch, this.#mismatchLog], [found.log, found.threshold])
  }

  #metric({ asked, better }: Compared, { at, folded, shown }: SeenComparison) {
    const { id, kind } = asked
    const through = folded[id]!
    const found = shown.metrics.find(({ name }) => name === id)!
    const figures = this.#oracle.figures(asked, through)
    this.#hold(`harm of ${id}`, at, figures.harm, found.harm!.log)
    this.#hold(`proof of ${id}`, at, figures.proof, found.nonInferiority?.log)
    const isHarmed = this.#oracle.isHarmed(asked, through)
    const { proof } = this.#alphas
    const is = (log: number | null) => log !== null && log >= Math.log(1 / proof)
    const superiority =
      better === null ? null : this.#oracle.figures(better, folded[better.id]!).proof
    this.#hold(`better of ${id}`, at, superiority, found.superiority?.log)
    const isAsked = asked.isGuard !== true && (asked.proofRatio !== null || isHarmed)
    const verdict = !isAsked
      ? null
      : isHarmed
        ? 'worse'
        : !is(figures.proof)
          ? 'unknown'
          : is(superiority)
            ? 'better'
            : 'no-worse'
    this.#hold(`verdict of ${id}`, at, verdict, found.verdict)
    if (asked.isGuard === true) {
      this.#hold(`difference of ${id}`, at, this.#differs(asked, through), found.differs)
    }
    if (kind !== 'latency') {
      const root = (mean: number | null) =>
        mean !== null && kind === 'rmse' ? Math.sqrt(mean) : mean
      const { baseline, canary, ratio } = found
      const values = [...figures.n, ...figures.mean.map(root)]
      const has = [baseline.n, canary.n, baseline.value, canary.value]
      this.#hold(`values of ${id}`, at, values, has)
      const isBetter = is(figures.proof) && is(superiority)
      const interval = this.#oracle.interval(asked, through, figures, isBetter)
      const ends = (of: typeof interval) => of && [of.estimate, of.lower, of.upper, of.level]
      const shownEnds = ends(ratio as typeof interval)
      this.#hold(`interval of ${id}`, at, ends(interval), shownEnds, 1e-6)
    }
    return verdict
  }

  /** Whether more or fewer of it is shown. */
  #differs(asked: Asked, through: number): 'more' | 'fewer' | null {
    if (this.#oracle.isHarmed(asked, through)) return 'more'
    const missed = this.#oracle.harmStrata(asked, through)
    const evidence = (strata: readonly Stratum[], ratio: number, better: 'lower' | 'higher') =>
      eventEvidence(strata, { ratio, isHarm: true, better }, 0)
    const harm = (strata: readonly Stratum[]) => evidence(strata, 1, 'lower')
    const fall = (strata: readonly Stratum[]) => evidence(strata, 1 / asked.harmRatio, 'higher')
    if (!asked.id.includes('/label-missing')) {
      const isApart = asked.apart === undefined || pointsFewer(missed) >= 0.005
      return fall(missed) >= GUARD_LOG && isApart ? 'fewer' : null
    }
    const came = missed.map(({ pi, units: [nb, nc], events: [b, c] }): Stratum => {
      return { pi, units: [nb, nc], events: [nb - b, nc - c] }
    })
    if (logMeanExp([fall(missed), harm(came)]) >= GUARD_LOG) return 'fewer'
    return logMeanExp([harm(missed), fall(came)]) >= GUARD_LOG ? 'more' : null
  }

  #bets(asked: Asked): void {
    if (asked.event !== undefined) return
    for (const frame of this.#history.frames) {
      const [bets, terms] = [this.#oracle.bets(asked, frame), frame.terms.bets[asked.id] ?? null]
      const flat = (of: typeof bets) => of && [of.centre, ...of.proof]
      this.#hold(`bets of ${asked.id}`, frame.openedAt, flat(bets), flat(terms))
    }
  }

  #hold(what: string, at: number, oracle: unknown, product: unknown, within = 1e-9): void {
    const kind = what.split(' of ')[0]!
    this.compared[kind] = (this.compared[kind] ?? 0) + 1
    if (isClose(oracle ?? null, product ?? null, within)) return
    const seconds = (at - this.#world.drive.began) / 1000
    const [mine, shown] = [JSON.stringify(oracle), JSON.stringify(product)]
    const where = `${this.challenger}: ${what} after ${seconds} s`
    this.differ.push(`${where}: ${mine}, and the product has ${shown}`)
  }
}

/** By how much the challenger's share is smaller, each unit counted by the probability of its side. */
function pointsFewer(strata: readonly Stratum[]): number {
  const sum = (of: (stratum: Stratum) => number) => strata.reduce((all, each) => all + of(each), 0)
  const more = sum(({ pi, events: [b, c] }) => c / pi - b / (1 - pi))
  return -more / sum(({ units: [nb, nc] }) => nb + nc)
}

/** The proof at a margin of 0, with no floor. */
function betterOf(asked: Asked): Asked | null {
  if (asked.kind === 'guard') return null
  const { event, segment } = asked
  const better = {
    ...asked,
    id: segment === null ? `${asked.id}/better` : asked.id.replace('@', '/better@'),
    proofRatio: 1,
    floor: 0,
  }
  if (asked.kind !== 'latency') return better
  // The margin of a latency is in its thresholds: here both sides have the baseline's.
  return {
    ...better,
    event: (request, isHarm, terms) => {
      const same = terms && { ...terms, harmMs: terms.baselineMs, proofMs: terms.baselineMs }
      return event!(request, isHarm, same)
    },
  }
}
