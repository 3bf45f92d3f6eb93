import t from 'tap'
import { SharedKeys } from '../../src/evaluator/shared-keys.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { rolloutSpec } from '../fakes/simulated-service.ts'

/** The keys of an experiment with two comparisons, and what is claimed of them in the store. */
function build() {
  const keys = new SharedKeys('svc/')
  const claimed: (string | number)[][] = []
  const hypotheses = buildHypotheses(rolloutSpec().analysis)
  const [b, c] = [1, 2].map(() => {
    const ledger = new CohortLedger(hypotheses, true, 100, keys.claims)
    keys.add(ledger)
    return ledger
  }) as [CohortLedger, CohortLedger]
  const claimKnown = () =>
    keys.claimKnown({
      claimUnits: async (name, units) => void claimed.push([name, ...units]),
    })
  return { keys, b, c, claimed, claimKnown }
}

t.test('others may judge keys once all that were judged are claimed, under one name', async (t) => {
  const { keys, b, c, claimed, claimKnown } = build()
  for (const unit of [1, 2]) b.units.admit(unit)
  for (const unit of [2, 3]) c.units.admit(unit)
  t.notOk(keys.admits(false))
  await claimKnown()
  t.same(claimed, [], 'nobody else is there')
  t.notOk(keys.admits(true))
  t.ok(keys.claims.isShared)
  await claimKnown()
  t.ok(keys.admits(true))
  await claimKnown()
  const [[name, ...units] = [], ...more] = claimed
  t.same([name, new Set(units), more], ['svc/', new Set([1, 2, 3]), []], 'in whatever order')
  t.equal(units.length, 3, 'each once')
  t.notOk(keys.admits(false))
  t.notOk(keys.admits(true), 'who comes back waits for those judged meanwhile')
})

t.test('a claim that fails is made again before others may judge', async (t) => {
  const { keys } = build()
  keys.admits(true)
  const failing = { claimUnits: () => Promise.reject(new Error('gone')) }
  await t.rejects(keys.claimKnown(failing), /gone/)
  t.notOk(keys.admits(true))
})

t.test('alone again, keys are claimed until what others have judged is counted', async (t) => {
  const { keys, b, c, claimKnown } = build()
  const terms = { thresholds: {}, bets: {}, caps: {} }
  const opening = { number: 1, rollout: 'x', step: 0, pi: 0.5, epoch: 0, judged: true, now: 0 }
  const [, cohort] = [b.open({ ...opening, terms }), c.open({ ...opening, terms })]
  cohort.shares = 'expected'
  keys.admits(true)
  await claimKnown()
  const [known, fresh] = [b.assign(0, 5, true)!.claim!, b.assign(0, 6, true)!.claim!]
  t.notOk(keys.admits(false))
  t.ok(keys.claims.isShared)
  for (const slot of c.slots()) slot.counted = true
  // Who is gone had judged it.
  b.units.admit(5)
  keys.admits(false)
  t.notOk(keys.claims.isShared)
  const first: boolean[] = []
  for (const claim of [known, fresh]) claim.whenKnown((is) => first.push(is))
  t.same(first, [false, true])
  t.same(keys.claims.pending, [])
})
