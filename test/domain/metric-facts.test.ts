import t from 'tap'
import { effectOfFailure, isHarmShown, meaningOf } from '../../src/domain/metric-facts.ts'

const none = { harm: null }
const some = { harm: { log: 1, threshold: 3 } }

t.test('Guards pause though they are not required, and what has no evidence does not.', (t) => {
  const effect = (required: boolean, onFailure: 'rollback' | 'pause' | 'warn', evidence = some) =>
    effectOfFailure({ required, onFailure, evidence })
  t.equal(effect(true, 'rollback'), 'rollback')
  t.equal(effect(false, 'rollback'), null)
  t.equal(effect(true, 'pause'), 'pause')
  t.equal(effect(false, 'pause'), 'pause')
  t.equal(effectOfFailure({ required: true, onFailure: 'pause', evidence: none }), 'pause')
  t.equal(effectOfFailure({ required: false, onFailure: 'pause', evidence: none }), null)
  t.equal(effect(false, 'warn'), null)
  t.end()
})

t.test('Harm is shown from the threshold on.', (t) => {
  const shown = (log: number | null) => isHarmShown({ evidence: { harm: { log, threshold: 3 } } })
  t.equal(shown(3), true)
  t.equal(shown(2.9), false)
  t.equal(shown(null), false, 'ruled out')
  t.equal(isHarmShown({ evidence: none }), false)
  t.end()
})

t.test('What is kept or proved is told from what was never asked.', (t) => {
  const limit = { max: 1, min: null, ticksBeyond: 0, baselineBeyond: false, tooFew: false }
  const of = (harm: object | null, limited: typeof limit | null, proof: object | null = null) =>
    meaningOf({
      ...{ kind: 'error-rate', verdict: 'successful', limit: limited },
      evidence: { harm, nonInferiority: proof },
    } as unknown as Parameters<typeof meaningOf>[0])
  const [asked, unasked] = [
    { log: 0, threshold: 3 },
    { log: 0, threshold: Infinity },
  ]
  t.equal(of(asked, null), 'successful')
  t.equal(of(asked, limit), 'within-limit')
  t.equal(of(unasked, null), 'within-limit')
  t.equal(of(null, limit), 'within-limit')
  t.equal(of(null, limit, asked), 'successful')
  t.end()
})
