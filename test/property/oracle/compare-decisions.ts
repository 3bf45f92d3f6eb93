import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import type { Case } from './cases.ts'
import type { Breakers } from './compare-breaker.ts'
import type { DriftComparison, Hold } from './compare-drift.ts'
import { isPassedCap, isUnscored } from './holds.ts'
import type { Oracle } from './judge.ts'
import type { Limit } from './limit-compare.ts'
import type { Asked } from './questions.ts'
import type { Sample } from './sample.ts'
import type { Thresholds } from './thresholds.ts'
import type { Seen, World } from './world.ts'

/** What decides, and what was decided. */
export type Deciding = {
  readonly world: World
  readonly life: Case
  readonly sample: Sample
  readonly oracle: Oracle
  readonly questions: readonly Asked[]
  readonly drifts: DriftComparison
  readonly limits: readonly Limit[]
  readonly thresholds: readonly Thresholds[]
  readonly breakers: Breakers
  readonly hold: Hold
}

/** Holds what became of a rollout at each look against what docs/ make of what was known then. */
export class Decisions {
  readonly #on: Deciding
  readonly #resumed: readonly {
    readonly at: number
    readonly pausedBy: string
    readonly metric: string | null
    /** What was folded of the sample ratio by then. */
    readonly through: number
  }[]

  constructor(on: Deciding) {
    this.#on = on
    const { seen } = on.world
    this.#resumed = seen.flatMap(({ at, state, ratio }, n) => {
      const before = seen[n - 1]?.state
      if (before?.phase !== 'paused' || state.phase !== 'progressing') return []
      const { pausedBy, pausedMetric: metric } = before
      return [{ at, pausedBy, metric, through: ratio.foldedThrough }]
    })
  }

  all(): void {
    const { seen } = this.#on.world
    for (const [n, each] of seen.entries()) if (n > 0) this.#decision(seen[n - 1]!.state, each, n)
  }

  /** An operator who resumes has looked at what paused: a mismatch begins anew then. */
  sampleRatio({ at, ratio }: Seen): number {
    const looked = this.#resumed.findLast(
      (each) => each.pausedBy === 'ratio-mismatch' && each.at <= at,
    )
    return this.#on.oracle.sampleRatio(ratio.foldedThrough, looked?.through)
  }

  /** Whether an operator has resumed past it: it reports alone from then on. */
  #isAcknowledged({ id, metric }: Asked, at: number): boolean {
    return this.#resumed.some(({ metric: paused, at: since }) => {
      return since < at && (paused === id || paused === metric)
    })
  }

  /** At each look of a step: whether it is left, by harm, by what only pauses, or for the next one. */
  #decision(before: RolloutState, seen: Seen, look: number): void {
    const { at, state, folded, ratio } = seen
    if (this.#resumed.some((each) => each.at === at)) return
    this.#trips(seen, look)
    const { steps } = this.#on.life.service.rollout!
    const step = steps[before.step]!
    if (before.phase === 'watching') this.#watch(before, seen, look)
    if (before.phase === 'paused') this.#pause(seen, look)
    if (before.phase !== 'progressing' || step.kind !== 'weight') return
    const isLast = before.step === steps.length - 2
    // What needs no more than its requests has no minimum of its own; nor has a segment.
    const isEnoughOf = (asked: Asked) => {
      const isWaitedFor = asked.windowMs > 0 && asked.kind !== 'guard' && asked.segment === null
      if (!isWaitedFor || asked.isReported === true) return true
      const { step: of, stepCanary } = this.#on.oracle.figures(asked, folded[asked.id]!)
      return of === before.step && stepCanary >= (asked.minLabels ?? step.minRequests)
    }
    const isReady = (asked: Asked) => {
      const figures = this.#on.oracle.figures(asked, folded[asked.id]!)
      if (figures.step !== before.step) return false
      const proofs = this.#on.life.keys > 0 ? [figures.proof] : [figures.proof, figures.stepProof]
      const isPassed = isPassedCap(this.#on.sample, asked, folded[asked.id]!)
      const isProved = proofs.every((log) => log === null || log >= Math.log(20))
      return !isLast || (isProved && !isPassed)
    }
    const open = this.#on.questions.filter((asked) => !this.#isAcknowledged(asked, at))
    const required = open.filter((asked) => asked.required || asked.isOnlyShown)
    const isTime = at - before.stepEnteredAt >= step.minDurationMs
    const isEnough =
      this.#on.oracle.stepCanary(before.step, ratio.foldedThrough) >= step.minRequests
    const isHeld = this.#on.questions.some((asked) =>
      isUnscored(this.#on.sample, asked, folded[asked.id]!),
    )
    const isAtLimit = this.#on.limits.some((limit) => {
      return limit.at(look).isBeyond[1]
    })
    const isMeasured = this.#on.thresholds.every(
      (each) => each.metric.onFailure === 'warn' || each.at(look).verdict === 'successful',
    )
    const isWell = !isHeld && !isAtLimit && isMeasured
    const isOpen = isTime && isEnough && isWell && open.every(isEnoughOf) && required.every(isReady)
    const goesOn = isOpen ? 'next' : 'progressing'
    const { isSick } = this.#on.breakers.at(look)
    const oracle = this.#stop(seen, look) ?? (isSick ? 'paused: baseline' : goesOn)
    // Of a breaker elsewhere this process has no attempts: `#trips` looks at it.
    if (phaseOf(state) === 'rolled-back: breaker' && this.#isTrippedElsewhere(look)) return
    const product = state.step > before.step ? 'next' : phaseOf(state)
    this.#on.hold('decision', `step ${before.step}`, at, oracle, product)
  }

  /** Where the breaker of a gateway that follows trips, its canary has nothing at once, and everywhere within a second. */
  #trips({ at, state }: Seen, look: number): void {
    const { seen } = this.#on.world
    for (const name of this.#on.breakers.at(look).tripped) {
      this.#on.hold('weight after a trip', name, at, 0, seen[look]!.weights[name])
      const isLate = look >= 4 && this.#on.breakers.at(look - 4).tripped.includes(name)
      if (isLate && !this.#on.breakers.at(look).isSick)
        this.#on.hold('trip', name, at, 'rolled-back', state.phase)
    }
    if (state.phase !== 'rolled-back' || state.rolledBackReason !== 'breaker') return
    const { actor } = this.#on.world.drive.decisions.at(-1)!
    const heard = [0, 1, 2, 3, 4].flatMap(
      (n) => this.#on.breakers.at(Math.max(1, look - n)).tripped,
    )
    const own = this.#on.breakers.at(look).isTripped ? ['evaluator'] : []
    const named = [...own, ...heard.map((name) => `breaker@${name}`)]
    this.#on.hold('who tripped', 'breaker', at, true, named.includes(actor))
  }

  #isTrippedElsewhere(look: number): boolean {
    const { breakers } = this.#on
    return [0, 1, 2, 3].some((n) => breakers.at(Math.max(1, look - n)).tripped.length > 0)
  }

  /** Protection is armed in a pause, too. */
  #pause(seen: Seen, look: number): void {
    const stop = this.#stop(seen, look)
    const oracle = stop?.startsWith('rolled-back') === true ? stop : 'paused'
    if (phaseOf(seen.state) === 'rolled-back: breaker' && this.#isTrippedElsewhere(look)) return
    this.#on.hold(
      'decision in a pause',
      'pause',
      seen.at,
      oracle,
      phaseOf(seen.state).replace(/^paused:.*/, 'paused'),
    )
  }

  /** What a holdback goes on showing ends a watch as it ends a step; else its time does. */
  #watch(before: RolloutState, seen: Seen, look: number): void {
    const { state } = seen
    const { watchMs, holdbackBp } = this.#on.life.service.rollout!
    if (holdbackBp === 0) return
    const isTime = seen.at - before.stepEnteredAt >= watchMs
    const oracle = this.#stop(seen, look) ?? (isTime ? 'promoted' : 'watching')
    this.#on.hold('decision in a watch', 'holdback', seen.at, oracle, phaseOf(state))
  }

  /** What protection, the evidence, limits and measurements ask for at once; null = nothing. */
  #stop(seen: Seen, look: number): string | null {
    const { isTripped, isSick } = this.#on.breakers.at(look)
    if (isTripped) return isSick ? 'paused: baseline' : 'rolled-back: breaker'
    const isHarmed = (asked: Asked) =>
      !asked.isOnlyShown &&
      !this.#isAcknowledged(asked, seen.at) &&
      this.#on.oracle.isHarmed(asked, seen.folded[asked.id]!)
    const isBroken = (by: 'rollback' | 'pause') =>
      this.#on.limits.some((limit) => limit.metric.onFailure === by && limit.at(look).ticks >= 3) ||
      this.#on.thresholds.some(
        (each) => each.metric.onFailure === by && each.at(look).verdict === 'failed',
      ) ||
      this.#on.drifts.asks(by, seen)
    const leadsTo = (by: 'rollback' | 'pause') =>
      this.#on.questions.some((asked) => {
        return asked.required && asked.onFailure === by && isHarmed(asked)
      }) || isBroken(by)
    if (leadsTo('rollback')) {
      return isSick ? 'paused: baseline' : 'rolled-back'
    }
    const isGuarded = this.#on.questions.some((asked) => asked.isGuard === true && isHarmed(asked))
    if (isGuarded || leadsTo('pause')) return 'paused'
    return this.sampleRatio(seen) >= Math.log(1000) ? 'paused: ratio-mismatch' : null
  }
}

/** A phase, and what it came by where no metric did. */
function phaseOf(state: RolloutState): string {
  if (state.phase === 'rolled-back' && state.rolledBackReason === 'breaker') {
    return 'rolled-back: breaker'
  }
  if (state.phase !== 'paused' || state.pausedBy === 'metric') return state.phase
  return `paused: ${state.pausedBy}`
}
