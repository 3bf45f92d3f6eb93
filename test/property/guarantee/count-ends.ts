import type { Decision } from '../../../src/domain/decision.ts'
import { LIMIT_TICKS } from '../../../src/rollout/limits.ts'
import { EVALUATOR } from '../../../src/rollout/transition.ts'
import { isBeyondChance } from '../../../src/statistics/beyond-chance.ts'
import type { Life } from './draw-life.ts'
import type { Led } from './lead-life.ts'

/** What the evaluator did by itself in a life. */
export type Acts = {
  /** Harm was shown, and it rolled back. */
  readonly evidence: boolean
  readonly limit: boolean
  readonly breaker: boolean
  /** Harm was shown, and it paused. */
  readonly pause: boolean
  /** By the proof. */
  readonly promotion: boolean
}

/** Reads them from its log. */
export function actsOf({ decisions }: Led): Acts {
  const own = decisions.filter(({ actor }) => actor === EVALUATOR)
  const has = (is: (decision: Decision) => boolean) => own.some(is)
  const isBack = ({ action }: Decision) => action === 'rollback'
  return {
    evidence: has((d) => isBack(d) && isShown(d)),
    limit: has((d) => isBack(d) && !isShown(d) && isBroken(d)),
    breaker: has((d) => isBack(d) && d.reason === 'breaker'),
    pause: has((d) => d.action === 'pause' && isShown(d)),
    promotion: has(
      (d) => d.action === 'promote' && d.reason === 'evidence' && !d.summary.includes('outside α'),
    ),
  }
}

function reportOf({ metrics, reason }: Decision) {
  return metrics.find(({ name }) => name === reason)
}

function isShown(decision: Decision): boolean {
  const harm = reportOf(decision)?.evidence.harm
  return harm != null && harm.log >= harm.threshold
}

function isBroken(decision: Decision): boolean {
  const limit = reportOf(decision)?.limit
  return limit != null && limit.ticksBeyond >= LIMIT_TICKS
}

/** How many lives that have something in common had what should seldom be, and the share of them that may. */
export type Count = { hits: number; lives: number; allowed: number }

/** Counts of lives by what they have; `all` has all of them. */
export class EndCounts {
  readonly by = new Map<string, Count>()

  /** `allowed`: the probability that the life may be `hit`. */
  add({ features }: Life, hit: boolean, allowed: number): void {
    for (const feature of ['all', ...features]) {
      const count = this.by.get(feature) ?? { hits: 0, lives: 0, allowed: 0 }
      this.by.set(feature, count)
      count.lives += 1
      count.allowed += allowed
      if (hit) count.hits += 1
    }
  }

  /**
   * Those that were hit more often than is allowed, beyond chance: by Hoeffding's bound at one of 10,000 each, since there are
   * some hundred of them.
   */
  beyond(): readonly string[] {
    return [...this.by].flatMap(([feature, { hits, lives, allowed }]) =>
      isBeyondChance(lives, hits / lives, allowed / lives, Math.log(1e-4))
        ? [`${feature}: ${hits} of ${lives}`]
        : [],
    )
  }

  get all(): string {
    const { hits, lives } = this.by.get('all') ?? { hits: 0, lives: 0 }
    return `${hits} of ${lives}`
  }
}
