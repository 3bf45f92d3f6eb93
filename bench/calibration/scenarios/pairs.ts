import { NO_PAIRS } from '../../../src/domain/pairs.ts'
import { foldPairs, supOf } from '../../../src/rollout/fold-pairs.ts'
import type { RolloutPlan } from '../../../src/rollout/plan.ts'
import { emptyEvidence } from '../../../src/statistics/empty-evidence.ts'
import { binomial } from '../deviates.ts'
import { planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const PAIRS = 200
const TICKS = 300
/** Requests that neither variant can answer; beside them each fails by itself. */
const BOTH = 0.01
const ALONE = 0.01
const ALLOWED = 0.02

/** A mirror step: pairs of answers, of which both, either or none failed, and some disagree. */
export function mirrorPairs(): Scenario[] {
  const plan = planFor(
    {
      errors: { kind: 'error-rate', maxIncrease: '0%' },
      same: { kind: 'disagreement', max: '2%' },
    },
    { maxTicks: TICKS, mirrored: true },
  )
  return [
    {
      name: 'pairs-alike',
      title:
        'a mirror step, errors 2 % on both sides, half of them common, disagreement exactly as allowed (2 %), 300 looks every 200 pairs',
      question: 'false-rollback',
      rollouts: [1000, 100],
      promises: { serin: 0.05 },
      run: (random) => racePairs(random, plan, { alone: ALONE, disagreed: ALLOWED }, 'harm'),
    },
    {
      name: 'pairs-disagree-margin',
      title: 'a mirror step, disagreement exactly 2 %, shown to be below it all the same',
      question: 'false-promotion',
      rollouts: [1000, 100],
      promises: { serin: 0.05 },
      run: (random) => racePairs(random, plan, { alone: ALONE, disagreed: ALLOWED }, 'proof'),
    },
    {
      name: 'pairs-disagree',
      title: 'a mirror step, disagreement 4 % where 2 % are allowed (requests: pairs)',
      question: 'detection',
      rollouts: [300, 40],
      run: (random) => racePairs(random, plan, { alone: ALONE, disagreed: 2 * ALLOWED }, 'harm'),
    },
  ]
}

function racePairs(
  random: Random,
  plan: RolloutPlan,
  rates: { readonly alone: number; readonly disagreed: number },
  claim: 'harm' | 'proof',
): Finding {
  let evidence = emptyEvidence('calibration', plan.hypotheses, 0)
  const tests = claim === 'harm' ? plan.pairTests : plan.pairTests.filter((t) => t.id === 'same')
  for (let tick = 1; tick <= TICKS; tick += 1) {
    const bothFailed = binomial(random, PAIRS, BOTH)
    const rest = PAIRS - bothFailed
    const canaryFailed = binomial(random, rest, rates.alone)
    const baselineFailed = binomial(random, rest - canaryFailed, ALONE / (1 - rates.alone))
    const counts = {
      ...NO_PAIRS,
      ...{ pairs: PAIRS, bothFailed, canaryFailed, baselineFailed },
      compared: PAIRS,
      disagreed: binomial(random, PAIRS, rates.disagreed),
    }
    evidence = foldPairs(evidence, plan.pairTests, { step: 0, counts })
    const isShown = tests.some((test) => {
      const sup = supOf(evidence.pairs!, test.id)[claim]
      return sup >= Math.log(1 / (claim === 'harm' ? test.alphaHarm : test.alphaProof!))
    })
    if (isShown) return { serin: tick * PAIRS }
  }
  return { serin: null }
}
