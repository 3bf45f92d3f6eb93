import t from 'tap'
import type { EventStratum } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import {
  eventHarmLogEvidences,
  eventProofLogEvidence,
} from '../../src/statistics/event-evidence.ts'
import { harmLogEvidence, proofLogEvidence } from '../../src/statistics/label-bet.ts'
import { near } from './near.ts'

const WORSE_IF_MORE: Hypothesis = {
  id: 'errors',
  metric: 'errors',
  source: { of: 'failure' },
  better: 'lower',
  onFailure: 'rollback',
  required: true,
  harm: { ratio: 1, alpha: 0.05 },
  proof: { ratio: 1.5, floor: 0.001, alpha: 0.05 },
}
const WORSE_IF_LESS: Hypothesis = {
  ...WORSE_IF_MORE,
  better: 'higher',
  harm: { ratio: 0.9, alpha: 0.05 },
  proof: { ratio: 0.9, floor: 0, alpha: 0.05 },
}
const STRATUM: EventStratum = { pi: 0.2, baseline: 400, canary: 60, trials: 5000 }

t.test('where fewer events are better, harm bets on more of them', (t) => {
  t.same(eventHarmLogEvidences(WORSE_IF_MORE, [[STRATUM], []]), [harmLogEvidence([STRATUM], 1), 0])
  t.equal(eventProofLogEvidence(WORSE_IF_MORE, [STRATUM]), proofLogEvidence([STRATUM], 1.5, 0.001))
  t.end()
})

t.test('where more events are better, the two directions change their places', (t) => {
  t.same(eventHarmLogEvidences(WORSE_IF_LESS, [[STRATUM], []]), [
    proofLogEvidence([STRATUM], 0.9, 0),
    0,
  ])
  near(t, eventProofLogEvidence(WORSE_IF_LESS, [STRATUM]), harmLogEvidence([STRATUM], 0.9))
  t.ok(eventHarmLogEvidences(WORSE_IF_LESS, [[STRATUM]])[0]! > 0, '60 where 100 are expected')
  t.end()
})

t.test('what is not to be proved has no evidence of that', (t) => {
  t.throws(() => eventProofLogEvidence({ ...WORSE_IF_MORE, proof: null }, []), /errors/)
  t.end()
})
