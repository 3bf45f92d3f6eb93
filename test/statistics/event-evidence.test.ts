import t from 'tap'
import type { EventEvidence, EventStratum } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import {
  boundBets,
  eventHarmLogEvidences,
  eventProofLogEvidence,
  isFarApart,
} from '../../src/statistics/event-evidence.ts'
import {
  FALL_CHANGES,
  harmLogEvidence,
  PROOF_GRID,
  proofLogEvidence,
} from '../../src/statistics/label-bet.ts'
import { eventRatioInterval } from '../../src/statistics/ratio-interval.ts'
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
    proofLogEvidence([STRATUM], 0.9, 0, FALL_CHANGES),
    0,
  ])
  near(
    t,
    eventProofLogEvidence(WORSE_IF_LESS, [STRATUM]),
    harmLogEvidence([STRATUM], 0.9, PROOF_GRID),
  )
  t.ok(eventHarmLogEvidences(WORSE_IF_LESS, [[STRATUM]])[0]! > 0, '60 where 100 are expected')
  t.end()
})

t.test('the interval leaves a margin out where the evidence decides on it', (t) => {
  const shown = { proved: 0, harmed: 0, neither: 0 }
  const tight = { ...WORSE_IF_LESS, harm: { ratio: 0.97, alpha: 0.01 } }
  const hypotheses: Hypothesis[] = [
    {
      ...WORSE_IF_MORE,
      harm: { ratio: 1.1, alpha: 0.01 },
      proof: { ratio: 1.5, floor: 0, alpha: 0.05 },
    },
    WORSE_IF_LESS,
    { ...tight, proof: { ratio: 0.97, floor: 0, alpha: 0.05 } },
  ]
  for (const hypothesis of hypotheses) {
    const { better, harm, proof } = hypothesis
    for (let canary = 100; canary < 40_000; canary = Math.ceil(canary * 1.07)) {
      for (let baseline = canary; baseline < 10 * canary; baseline = Math.ceil(baseline * 1.07)) {
        const strata = [{ pi: 0.2, canary, baseline, trials: 1e6 }]
        const { lower, upper } = eventRatioInterval(strata, boundBets(hypothesis))!
        const isHarmed = eventHarmLogEvidences(hypothesis, [strata])[0]! >= Math.log(2 / harm.alpha)
        const isProved = eventProofLogEvidence(hypothesis, strata) >= Math.log(1 / proof!.alpha)
        const said =
          better === 'lower'
            ? [lower > harm.ratio, upper < proof!.ratio]
            : [upper < harm.ratio, lower > proof!.ratio]
        if (said[0] !== isHarmed || said[1] !== isProved) t.same(said, [isHarmed, isProved])
        shown[isHarmed ? 'harmed' : isProved ? 'proved' : 'neither'] += 1
      }
    }
  }
  t.ok(Math.min(shown.harmed, shown.proved, shown.neither) > 100, JSON.stringify(shown))
  t.end()
})

t.test('each bound has a level of its own, and both together the rest', (t) => {
  const { up, down } = boundBets({ ...WORSE_IF_MORE, harm: { ratio: 1, alpha: 0.01 } })
  t.same([up.alpha, down.alpha], [0.005, 0.05])
  t.equal(eventRatioInterval([STRATUM], { up, down })!.level, 1 - 0.005 - 0.05)
  const less = boundBets(WORSE_IF_LESS)
  t.same([less.up.alpha, less.down.alpha], [0.05, 0.025])
  const guard = boundBets({ ...WORSE_IF_MORE, proof: null })
  t.same([guard.up.alpha, guard.down.alpha], [0.025, 0.025], 'of what is not proved alike')
  t.end()
})

t.test('what is not to be proved has no evidence of that', (t) => {
  t.throws(() => eventProofLogEvidence({ ...WORSE_IF_MORE, proof: null }, []), /errors/)
  t.end()
})

t.test('shares are far apart by their difference since the start point that tells most', (t) => {
  const guard = { ...WORSE_IF_MORE, harm: { ratio: 1.5, alpha: 0.001, apart: 0.005 } }
  const counts: Omit<EventEvidence, 'harm'> = {
    ...{ kind: 'event', foldedThrough: 1, step: 0, proof: [], stepProof: [] },
    ...{ trials: [0, 0], events: [0, 0], stepTrials: [0, 0], stepEvents: [0, 0] },
    sup: { harm: 0, proof: 0, stepProof: 0 },
  }
  const isFar = (...harm: (readonly EventStratum[])[]) => isFarApart(guard, { ...counts, harm })
  const alike = { pi: 0.2, baseline: 80_000, canary: 20_000, trials: 1_000_000 }
  const stratum = (trials: number, baseline: number, canary: number, pi = 0.2) => {
    return [{ pi, baseline, canary, trials }]
  }
  t.ok(isFarApart(WORSE_IF_MORE, { ...counts, harm: [[]] }), 'nothing is asked')
  t.ok(isFar(stratum(100_000, 800, 301)), '1.505 % against 1 %')
  t.notOk(isFar(stratum(100_000, 800, 299)), '1.495 % against 1 %')
  t.notOk(isFar(stratum(1_000_000, 0, 999)), '0.4995 % against none')
  t.ok(isFar([alike], stratum(1000, 8, 40)), 'a late difference is not thinned by the time before')
  t.notOk(isFar(stratum(10_000_000, 8000, 6000), stratum(10, 0, 1)), 'nor made by a few requests')
  t.ok(isFar([alike], stratum(0, 1, 30)), 'of keys that are known')
  // Pooled, the canary's share would be the larger one: 3.7 % against 2 %.
  const moved = [...stratum(20_000, 190, 10, 0.05), ...stratum(20_000, 400, 400, 0.5)]
  t.notOk(isFar(moved), 'weights that changed make no difference')
  t.end()
})

t.test(
  'values above the cap do harm from half a percentage point on, or ten times as many',
  (t) => {
    const source = { of: 'above-cap', among: 'values', windowMs: 1000 } as const
    const guard: Hypothesis = { ...WORSE_IF_MORE, source, harm: { ratio: 1.5, alpha: 0.05 } }
    const isFar = (baseline: number, canary: number, h = guard) =>
      isFarApart(h, {
        ...{ kind: 'event', foldedThrough: 0, step: 0, proof: [], stepProof: [] },
        ...{ trials: [0, 0], events: [0, 0], stepTrials: [0, 0], stepEvents: [0, 0] },
        ...{ sup: { harm: 9, proof: 0, stepProof: 0 } },
        harm: [[{ pi: 0.2, baseline, canary, trials: 100_000 }]],
      })
    t.notOk(isFar(80, 66), '0.33 % against 0.1 %: an RMSE that is 12 % higher')
    t.notOk(isFar(80, 140), '0.7 % against 0.1 %, as chance may have it')
    t.ok(isFar(80, 160), '0.8 % against 0.1 %')
    t.notOk(isFar(4, 10))
    t.ok(isFar(2, 40), '0.2 % against 0.0025 %')
    t.ok(isFar(0, 6), 'some where there were none')
    t.ok(isFar(80, 5, { ...guard, better: 'higher' }), 'where more are better nothing is asked')
    t.end()
  },
)
