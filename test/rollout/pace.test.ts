import t from 'tap'
import { hasteOf } from '../../src/rollout/pace.ts'
import { plan, seen, state } from '../fakes/rollout.ts'

// A minute in the first step at 5 %, whose warm-up is over by then.
const hasteWith = (stepCanaryUnits: number, unitsPerSecond: number | null, weightBp = 500) =>
  hasteOf(
    plan({ analysis: { warmUpMs: 10_000 } }),
    state({ phase: 'progressing' }, { weightBp }),
    seen({ stepCanaryUnits, unitsPerSecond }),
  )

t.test('haste is the pace of now over that of the step without its warm-up', (t) => {
  t.equal(hasteWith(500, 200), 1)
  t.equal(hasteWith(500, 400), 2)
  t.equal(hasteWith(500, 50), 0.25)
  t.end()
})

t.test('without a pace of now, or of the step, there is no haste', (t) => {
  t.equal(hasteWith(500, null), 1)
  t.equal(hasteWith(0, 200), 1)
  t.equal(hasteWith(500, 200, 10_000), 1, 'nothing is drawn any more')
  t.equal(hasteOf(plan(), state(), seen({ stepCanaryUnits: 500 })), 1, 'as in a replay')
  t.end()
})
