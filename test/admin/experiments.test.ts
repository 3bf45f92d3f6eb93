import t from 'tap'
import { presentExperiments } from '../../src/admin/present-experiments.ts'
import { fakeDecision, NOW } from './fake-deps.ts'
import { fakeExperimentLog } from './fake-experiments.ts'

const log = fakeExperimentLog('checkout', NOW)
const before = (id: number) => log.filter((d) => d.id <= id)
const FIRST = '3.0 vs 3.1-small vs 3.1-large#1'
const SECOND = '3.1 vs 3.2-small vs 3.2-large#2'

t.test(
  'Experiments that have ended are told with their winners and verdicts, newest first.',
  (t) => {
    t.match(presentExperiments(log), [
      {
        id: SECOND,
        from: '2027-04-22T12:00:00.000Z',
        to: '2027-04-30T12:00:00.000Z',
        winner: 'b',
        decision: { id: 4, action: 'promote', actor: 'ana', note: 'half of the cost' },
        comparisons: [
          {
            variant: 'b',
            verdict: 'better',
            metrics: [{ name: 'rmse', ratio: { upper: 1.061 } }, {}],
          },
          { variant: 'c', verdict: 'unknown' },
        ],
      },
      {
        id: FIRST,
        from: '2027-04-11T12:00:00.000Z',
        to: '2027-04-22T12:00:00.000Z',
        winner: null,
        decision: { id: 1, action: 'start', summary: /has ended: b worse, c not known yet/ },
        comparisons: [
          { variant: 'b', verdict: 'worse' },
          { variant: 'c', verdict: 'unknown' },
        ],
      },
    ])
    t.end()
  },
)

t.test('A winner that is taken back has ended nothing; what follows it changes nothing.', (t) => {
  const ids = (found: ReturnType<typeof presentExperiments>) => found.map(({ id }) => id)
  t.same(ids(presentExperiments(before(2))), [SECOND, FIRST])
  t.same(ids(presentExperiments(before(3))), [FIRST])
  const third = '3.1 vs 3.3#3'
  const { experiment } = log[0]!
  for (const action of ['start', 'undo'] as const) {
    const next = fakeDecision({ id: 5, action, rollout: third, experiment: experiment! })
    const [newest, ...rest] = presentExperiments([next, ...log])
    t.match(newest, { id: SECOND, winner: 'b', decision: { id: 4 } }, 'it ended with its winner')
    t.same(ids(rest), [FIRST])
    const undecided = presentExperiments([next, ...before(3)])[0]
    t.match(undecided, { id: SECOND, winner: null, decision: { id: 5 } })
  }
  t.same(presentExperiments([fakeDecision(), fakeDecision({ id: 16 })]), [], 'rollouts are none')
  t.end()
})
