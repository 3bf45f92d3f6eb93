import type { Pair } from '../../../src/domain/cohort.ts'
import { Attempt, eventTally } from '../attempt.ts'
import { binomial } from '../deviates.ts'
import { planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const RATE = 0.01
const PI = 0.05
/** Half of the failures of a metric are failures of all six. */
const SHARED = 0.5

/** Six metrics that share α, of which half the failures hit all at once: alike, and one of them worse. */
export function severalMetrics(): Scenario[] {
  const metrics = Object.fromEntries(
    NAMES.map((name) => [name, { kind: 'error-rate', maxIncrease: '0%' }]),
  )
  const plan = planFor(metrics, { maxTicks: 300 })
  return [
    {
      name: 'six-alike',
      title: 'six metrics with common failures, 1 % each, alike, 5 % canary, 300 looks',
      question: 'false-rollback',
      rollouts: [400, 30],
      promises: { serin: 0.05 },
      run: (random) => raceSix(random, new Attempt(plan), 1),
    },
    {
      name: 'six-one-worse',
      title: 'one of the six metrics 1 % → 2 %',
      question: 'detection',
      rollouts: [200, 20],
      run: (random) => raceSix(random, new Attempt(plan), 2),
    },
  ]
}

function raceSix(random: Random, attempt: Attempt, times: number): Finding {
  const requests = times === 1 ? 1000 : 250
  for (let tick = 1; tick <= 300; tick += 1) {
    const cohort = attempt.open({ pi: PI })
    const canary = binomial(random, requests, PI)
    const units: Pair = [requests - canary, canary]
    const common = units.map((n) => binomial(random, n, RATE * SHARED))
    for (const name of NAMES) {
      const own = units.map((n, side) => {
        const rate = side === 1 && name === 'a' ? RATE * (times - SHARED) : RATE * (1 - SHARED)
        return binomial(random, n, rate)
      })
      const events: Pair = [common[0]! + own[0]!, common[1]! + own[1]!]
      cohort.tallies[name] = eventTally({ units, events })
    }
    attempt.fold(cohort)
    if (attempt.isHarmed()) return { serin: tick * requests }
  }
  return { serin: null }
}
