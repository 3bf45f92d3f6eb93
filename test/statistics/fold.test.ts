import t from 'tap'
import type { BetTally, EventTally, Pair } from '../../src/domain/cohort.ts'
import type { BetEvidence, EventEvidence } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { emptyEvidence, emptyRatio } from '../../src/statistics/empty-evidence.ts'
import { foldBets, foldEvents, foldRatio } from '../../src/statistics/fold.ts'
import type { EventFold, FoldPlace } from '../../src/statistics/fold.ts'
import { harmLogEvidence, proofLogEvidence } from '../../src/statistics/label-bet.ts'
import { EFFECT_GRID } from '../../src/statistics/mean-bet.ts'
import { logMeanExp } from '../../src/statistics/log-sum-exp.ts'
import { ratioLogEvidence } from '../../src/statistics/ratio-mismatch.ts'
import { mixStarts } from '../../src/statistics/start-mixture.ts'
import { near } from './near.ts'

const ERRORS: Hypothesis = {
  id: 'errors',
  metric: 'errors',
  source: { of: 'failure' },
  better: 'lower',
  onFailure: 'rollback',
  required: true,
  harm: { ratio: 1, alpha: 0.025 },
  proof: { ratio: 1.5, floor: 0.001, alpha: 0.05 },
}
const RMSE: Hypothesis = {
  ...ERRORS,
  id: 'rmse',
  metric: 'rmse',
  source: { of: 'score', score: 'squared-error', cap: 10, windowMs: 1000 },
  harm: { ratio: 1.1025, alpha: 0.025 },
  proof: { ratio: 1.1025, floor: 0, alpha: 0.05 },
}
const PLACE: FoldPlace = { cohort: 0, step: 0, pi: 0.2, epoch: 0, starts: 1 }

t.test('An attempt begins with no evidence for anything.', async (t) => {
  const evidence = emptyEvidence('1->2#1', [ERRORS, RMSE], 7)
  t.match(evidence, {
    rollout: '1->2#1',
    starts: [7],
    stepStart: 0,
    hypotheses: {
      errors: { kind: 'event', foldedThrough: -1, harm: [[]], proof: [], trials: [0, 0] },
      rmse: { kind: 'bet', foldedThrough: -1, strata: [], stepMoments: { n: [0, 0] } },
    },
    ratio: { foldedThrough: -1, starts: [[]], sup: 0 },
    caps: {},
    limitTicks: {},
  })
  for (const { sup } of Object.values(evidence.hypotheses))
    t.same(sup, { harm: 0, proof: 0, stepProof: 0 })
})

t.test('What cohorts leave as it is stays the same object.', async (t) => {
  const empty = emptyEvents()
  const quiet = foldEvents(empty, eventFold({ cohort: 1 }, [9, 1], [0, 0]), ERRORS)
  t.equal(quiet.harm[0], quiet.proof)
  t.equal(quiet.stepProof, quiet.proof)
  t.equal(quiet.stepTrials, quiet.trials)
  t.equal(quiet.events, empty.events)
  t.equal(quiet.stepEvents, quiet.events)
  const next = foldEvents(quiet, eventFold({ cohort: 2, step: 1 }, [9, 1], [0, 1]), ERRORS)
  t.not(next.stepProof, next.proof)
  t.same(next.stepProof, [{ pi: 0.2, baseline: 0, canary: 1, trials: 10 }])
  t.same(next.proof, [{ pi: 0.2, baseline: 0, canary: 1, trials: 20 }])
  t.strictSame(
    [next.stepTrials, next.trials],
    [
      [9, 1],
      [18, 2],
    ],
  )
  t.strictSame(
    [next.stepEvents, next.events],
    [
      [0, 1],
      [0, 1],
    ],
  )
})

t.test('Without an event only a floor of the proof says anything.', async (t) => {
  const withEvents = (h: Hypothesis) =>
    foldEvents(emptyEvents(), eventFold({ cohort: 1 }, [90, 10], [3, 0]), h)
  const quiet = eventFold({ cohort: 2 }, [900, 100], [0, 0])
  const noFloor = { ...ERRORS, proof: { ...ERRORS.proof!, floor: 0 } }
  const higher: Hypothesis = { ...ERRORS, better: 'higher' }
  for (const h of [noFloor, higher, { ...ERRORS, proof: null }]) {
    const before = withEvents(h)
    t.equal(foldEvents(before, quiet, h).sup, before.sup, h.better)
  }
  const before = withEvents(ERRORS)
  const after = foldEvents(before, quiet, ERRORS)
  t.ok(after.sup.proof > before.sup.proof)
  t.equal(after.sup.harm, before.sup.harm)
  near(t, after.sup.proof, proofLogEvidence(after.proof, 1.5, 0.001))
})

t.test('Outages of the baseline prove nothing.', async (t) => {
  const usual = foldEvents(emptyEvents(), eventFold({ cohort: 1 }, [800, 200], [8, 2]), ERRORS)
  t.notOk('calm' in usual, 'nothing is kept apart before there is one')
  const outage = eventFold({ cohort: 2 }, [80, 20], [60, 2])
  const during = foldEvents(usual, outage, ERRORS)
  t.match(during.calm, { proof: usual.proof, stepProof: usual.stepProof })
  t.match(during.calm, { isWhole: true, doubted: { outageUnits: 0, baseline: [80, 60] } })
  t.equal(during.sup.proof, usual.sup.proof, 'though all cohorts together prove more')
  t.ok(proofLogEvidence(during.proof, 1.5, 0.001) > during.sup.proof)
  t.same(during.proof, [{ pi: 0.2, baseline: 68, canary: 4, trials: 1100 }])

  const quiet = foldEvents(during, eventFold({ cohort: 3 }, [960, 240], [9, 2]), ERRORS)
  t.notOk('doubted' in quiet.calm!, 'it is over')
  t.same(quiet.calm!.proof, usual.proof)
  const after = foldEvents(quiet, eventFold({ cohort: 4 }, [8000, 2000], [80, 20]), ERRORS)
  t.same(after.calm, {
    proof: [{ pi: 0.2, baseline: 88, canary: 22, trials: 11_000 }],
    stepProof: [{ pi: 0.2, baseline: 88, canary: 22, trials: 11_000 }],
    baseline: [8800, 88],
    isWhole: false,
  })
  t.ok(after.sup.proof > 0)
  near(t, after.sup.proof, proofLogEvidence(after.calm!.proof, 1.5, 0.001))
  const next = foldEvents(after, eventFold({ cohort: 5, step: 1 }, [80, 20], [0, 1]), ERRORS)
  t.same(next.calm!.stepProof, [{ pi: 0.2, baseline: 0, canary: 1, trials: 100 }])
  t.same(next.calm!.stepProof, next.stepProof)

  const both = foldEvents(usual, eventFold({ cohort: 2 }, [80, 20], [60, 20]), ERRORS)
  t.ok(
    proofLogEvidence(both.proof, 1.5, 0.001) < proofLogEvidence(both.calm!.proof, 1.5, 0.001),
    'what fails alike is not left out where it proves less',
  )
  const over = foldEvents(both, eventFold({ cohort: 3 }, [960, 240], [9, 2]), ERRORS)
  const long = foldEvents(over, eventFold({ cohort: 4 }, [8000, 2000], [80, 20]), ERRORS)
  near(t, long.sup.proof, proofLogEvidence(long.proof, 1.5, 0.001))
})

t.test('What is doubted waits: it is an outage, or it counts after all.', async (t) => {
  const usual = foldEvents(emptyEvents(), eventFold({ cohort: 1 }, [800, 200], [8, 2]), ERRORS)
  const seen = foldEvents(usual, eventFold({ cohort: 2 }, [20, 5], [2, 0]), ERRORS)
  t.same(seen.calm!.proof, seen.proof, 'two failures are not worth waiting')
  const doubted = foldEvents(seen, eventFold({ cohort: 3 }, [20, 5], [2, 0]), ERRORS)
  t.match(doubted.calm, { proof: seen.proof, doubted: { outageUnits: null, baseline: [20, 2] } })
  const cleared = foldEvents(doubted, eventFold({ cohort: 4 }, [300, 75], [3, 1]), ERRORS)
  t.notOk('calm' in cleared, 'nothing was left out')

  // A slow service: cohorts of four units, none of them an outage by itself.
  let slow = usual
  for (let cohort = 2; cohort < 9; cohort++)
    slow = foldEvents(slow, eventFold({ cohort }, [4, 1], [2, 0]), ERRORS)
  t.same(slow.calm!.proof, usual.proof)
  t.match(slow.calm!.doubted, { outageUnits: 20, baseline: [28, 14] })
  const stored = JSON.parse(JSON.stringify(slow)) as EventEvidence
  const next = eventFold({ cohort: 9, step: 1 }, [4, 1], [1, 0])
  t.same(foldEvents(stored, next, ERRORS), foldEvents(slow, next, ERRORS))
  t.match(foldEvents(slow, next, ERRORS).calm!.doubted!.stepProof, [{ baseline: 1, trials: 5 }])

  let changed = usual
  for (let cohort = 2; cohort < 20; cohort++)
    changed = foldEvents(changed, eventFold({ cohort }, [100, 25], [6, 1]), ERRORS)
  const trials = changed.calm?.proof[0]!.trials ?? changed.proof[0]!.trials
  t.ok(trials > 2500, 'longer than all before it: what the baseline does now')
})

t.test(
  'A doubt that ends in a cohort without events ends there, and not with the next event.',
  async (t) => {
    const h: Hypothesis = { ...ERRORS, proof: { ...ERRORS.proof!, floor: 0 } }
    const usual = foldEvents(emptyEvents(), eventFold({ cohort: 1 }, [800, 200], [8, 2]), h)
    const doubted = foldEvents(usual, eventFold({ cohort: 2 }, [100, 25], [6, 0]), h)
    t.match(doubted.calm, { doubted: { outageUnits: null } })
    t.ok(proofLogEvidence(doubted.proof, 1.5, 0) > doubted.sup.proof, 'it waits')
    const cleared = foldEvents(doubted, eventFold({ cohort: 3 }, [400, 100], [0, 0]), h)
    t.notOk('calm' in cleared, 'nothing was left out')
    near(t, cleared.sup.proof, proofLogEvidence(cleared.proof, 1.5, 0))
    near(t, cleared.sup.stepProof, cleared.sup.proof)
  },
)

t.test('An older version’s proofs without outages go on.', async (t) => {
  const usual = foldEvents(emptyEvents(), eventFold({ cohort: 1 }, [800, 200], [8, 2]), ERRORS)
  const during = foldEvents(usual, eventFold({ cohort: 2 }, [80, 20], [60, 2]), ERRORS)
  const { proof, stepProof } = during.calm!
  const old = { ...during, calm: { proof, stepProof } }
  const after = foldEvents(old, eventFold({ cohort: 3 }, [8000, 2000], [80, 20]), ERRORS)
  t.match(after.calm!.proof, [{ pi: 0.2, baseline: 88, canary: 22, trials: 11_000 }])
})

t.test('Where more is better an outage is a fall.', async (t) => {
  const bought: Hypothesis = {
    ...{ ...ERRORS, better: 'higher', harm: { ratio: 0.9, alpha: 0.025 } },
    proof: { ratio: 0.9, floor: 0, alpha: 0.05 },
  }
  const usual = foldEvents(emptyEvents(), eventFold({ cohort: 1 }, [800, 200], [240, 60]), bought)
  t.notOk('calm' in usual)
  const fallen = foldEvents(usual, eventFold({ cohort: 2 }, [80, 20], [2, 5]), bought)
  t.equal(fallen.sup.proof, usual.sup.proof)
  t.match(fallen.calm, { proof: usual.proof, doubted: { outageUnits: 0 } })
  const risen = foldEvents(usual, eventFold({ cohort: 2 }, [80, 20], [70, 5]), bought)
  t.notOk('calm' in risen, 'a rise proves nothing for the canary')
  const none = { ...bought, proof: null }
  t.notOk('calm' in foldEvents(usual, eventFold({ cohort: 2 }, [80, 20], [2, 5]), none))
})

t.test('An outage of the baseline proves nothing by bets either.', async (t) => {
  const fold = (before: BetEvidence, cohort: number, units: number, y: number, proof: number) =>
    foldBets(
      before,
      {
        ...{ ...PLACE, cohort, cap: 100 },
        tally: {
          ...betTally(),
          ...{ n: [units, units / 4], sum: [units * y, units / 4] },
          proof: EFFECT_GRID.map(() => proof),
        },
      },
      RMSE,
    )
  const usual = fold(emptyBets(), 0, 4000, 1, 1)
  t.notOk('calm' in usual)
  const during = fold(usual, 1, 80, 60, 10)
  near(t, during.sup.proof, 1)
  near(t, logMeanExp(during.proof), 11)
  t.match(during.calm, { proof: usual.proof, doubted: { outageUnits: 0, baseline: [80, 4800] } })
  const over = fold(during, 2, 4000, 1, 0.5)
  near(t, over.sup.proof, 1)
  const after = fold(over, 3, 4000, 1, 0.25)
  t.same(after.calm, {
    proof: EFFECT_GRID.map(() => 1.25),
    stepProof: EFFECT_GRID.map(() => 1.25),
    baseline: [8000, 8000],
    isWhole: false,
  })
  near(t, after.sup.proof, 1.25)
  const tally = { ...betTally(), n: [80, 20] as Pair, sum: [80, 20] as Pair }
  const next = foldBets(after, { ...PLACE, cohort: 4, step: 1, cap: 100, tally }, RMSE)
  t.same(next.calm!.stepProof, next.stepProof, 'of a new step nothing is left out yet')
  t.not(next.calm!.stepProof[0], after.calm!.stepProof[0])
  const { cap: _, ...uncapped } = { ...PLACE, cohort: 4, cap: 0, tally: betTally() }
  t.equal(foldBets(after, uncapped, RMSE).calm, after.calm, 'nothing to hold values against')
})

t.test('Cohorts are folded in assignment order, each one once.', async (t) => {
  const events = foldEvents(emptyEvents(), eventFold({ cohort: 4 }, [9, 1], [0, 0]), ERRORS)
  const again = { message: 'cohorts are folded in assignment order: cohort 4 after cohort 4' }
  t.throws(() => foldEvents(events, eventFold({ cohort: 4 }, [9, 1], [0, 0]), ERRORS), again)
  t.throws(() => foldEvents(events, eventFold({ cohort: 3 }, [9, 1], [0, 0]), ERRORS))
  const bets = foldBets(emptyBets(), { ...PLACE, cohort: 4, tally: betTally() }, RMSE)
  t.throws(() => foldBets(bets, { ...PLACE, cohort: 4, tally: betTally() }, RMSE), again)
  const ratio = foldRatio(emptyRatio(), { ...PLACE, cohort: 4, assigned: [9, 1] })
  t.throws(() => foldRatio(ratio, { ...PLACE, cohort: 4, assigned: [9, 1] }), again)
  t.equal(foldEvents(events, eventFold({ cohort: 9 }, [9, 1], [0, 0]), ERRORS).foldedThrough, 9)
})

t.test('Folding changes nothing that it is given.', async (t) => {
  const events = deepFreeze(
    foldEvents(deepFreeze(emptyEvents()), eventFold({}, [80, 20], [3, 2]), ERRORS),
  )
  foldEvents(events, eventFold({ cohort: 1 }, [80, 20], [3, 2]), ERRORS)
  const bets = deepFreeze(foldBets(deepFreeze(emptyBets()), { ...PLACE, tally: betTally() }, RMSE))
  foldBets(bets, { ...PLACE, cohort: 1, tally: betTally() }, RMSE)
  const ratio = deepFreeze(foldRatio(deepFreeze(emptyRatio()), { ...PLACE, assigned: [8, 2] }))
  foldRatio(ratio, { ...PLACE, cohort: 1, assigned: [8, 2] })
  t.same(events.trials, [80, 20])
  t.same(bets.stepMoments.n, [8, 2])
  t.same(ratio.starts, [[{ pi: 0.2, canary: 2, total: 10 }]])
})

t.test('Evidence that was stored goes on as if it had not been.', async (t) => {
  const first = foldEvents(emptyEvents(), eventFold({}, [80, 20], [3, 2]), ERRORS)
  const next = eventFold({ cohort: 1, pi: 0.5 }, [50, 50], [1, 4])
  const stored = JSON.parse(JSON.stringify(first)) as EventEvidence
  t.same(foldEvents(stored, next, ERRORS), foldEvents(first, next, ERRORS))
})

t.test('Events of one weight are one stratum, those of another are their own.', async (t) => {
  let evidence = foldEvents(emptyEvents(), eventFold({}, [80, 20], [3, 2]), ERRORS)
  evidence = foldEvents(evidence, eventFold({ cohort: 1 }, [70, 30], [1, 0]), ERRORS)
  evidence = foldEvents(
    evidence,
    eventFold({ cohort: 2, step: 1, pi: 0.5 }, [55, 45], [2, 5]),
    ERRORS,
  )
  const strata = [
    { pi: 0.2, baseline: 4, canary: 2, trials: 200 },
    { pi: 0.5, baseline: 2, canary: 5, trials: 100 },
  ]
  t.same(evidence.harm, [strata])
  t.same(evidence.proof, strata)
  t.same(evidence.trials, [205, 95])
  t.same(evidence.events, [6, 7])
  near(t, evidence.sup.harm, Math.max(0, mixStarts([harmLogEvidence(strata, 1)])))
})

t.test('An event counts for every start point that is not later than its cohort.', async (t) => {
  let evidence = foldEvents(emptyEvents(), eventFold({}, [80, 20], [3, 2]), ERRORS)
  evidence = foldEvents(
    evidence,
    eventFold({ cohort: 1, epoch: 1, starts: 2 }, [80, 20], [0, 4]),
    ERRORS,
  )
  // A third start point exists by now, but this cohort was assigned before it.
  evidence = foldEvents(
    evidence,
    eventFold({ cohort: 2, epoch: 1, starts: 3 }, [80, 20], [1, 1]),
    ERRORS,
  )
  t.same(evidence.harm, [
    [{ pi: 0.2, baseline: 4, canary: 7, trials: 300 }],
    [{ pi: 0.2, baseline: 1, canary: 5, trials: 200 }],
    [],
  ])
  t.same(evidence.proof, [{ pi: 0.2, baseline: 4, canary: 7, trials: 300 }])
})

t.test('A key fails once for each start point: its first failure since then.', async (t) => {
  const base = eventFold({ cohort: 5, epoch: 2, starts: 3 }, [8, 3], [1, 0])
  const fold: EventFold = {
    ...base,
    tally: { ...base.tally, harmEvents: [0, 0] },
    // Baseline: one key never failed before, one failed before start point 1. Canary: two keys failed
    // before start point 2, one failed since (it does not count again).
    harmSince: [
      [0, 1],
      [2, 2, 3],
    ],
  }
  const evidence = foldEvents(emptyEvents(), fold, ERRORS)
  t.same(
    evidence.harm.map(([stratum]) => [stratum!.baseline, stratum!.canary]),
    [
      [1, 0],
      [2, 0],
      [2, 2],
    ],
  )
  t.same(evidence.proof, [{ pi: 0.2, baseline: 1, canary: 0, trials: 11 }], 'judged units only')
})

t.test('Of keys the largest stake counts, since the sum has no level.', async (t) => {
  const keys = (harmUnits: EventTally['harmUnits']): EventFold => {
    const base = eventFold({ cohort: 5, epoch: 1, starts: 2 }, [80, 20], [0, 0])
    const harmSince = [[], [0, 0, 0, 1, 1]]
    return { ...base, tally: { ...base.tally, harmEvents: [0, 0], harmUnits }, harmSince }
  }
  const [since0, since1] = [3, 5].map((canary) =>
    harmLogEvidence([{ pi: 0.2, baseline: 0, canary, trials: 100 }], 1),
  ) as [number, number]
  const keyed = foldEvents(emptyEvents(), keys([[], [1, 2, 3, 4, 5]]), ERRORS)
  near(t, keyed.sup.harm, Math.max(since0 + Math.log(1 / 2), since1 + Math.log(1 / 30)))
  const single = foldEvents(emptyEvents(), keys(null), ERRORS)
  near(t, single.sup.harm, mixStarts([since0, since1]))
})

t.test(
  'What waits for feedback counts a key once, so that the sum of the stakes has its level.',
  async (t) => {
    const source = { of: 'conversion', event: 'purchase', windowMs: 1000 } as const
    const bought = { ...ERRORS, source, proof: { ...ERRORS.proof!, floor: 0 } }
    const first = eventFold({ cohort: 1, starts: 2 }, [80, 20], [2, 3])
    const second = eventFold({ cohort: 2, epoch: 1, starts: 2 }, [80, 20], [0, 5])
    // What feedback has changed comes back from the store without its keys, of which it has none.
    const folds = [null, [[], []] satisfies [number[], number[]]].map((harmUnits) => {
      const keyed = (fold: EventFold) => ({ ...fold, tally: { ...fold.tally, harmUnits } })
      return foldEvents(foldEvents(emptyEvents(), keyed(first), bought), keyed(second), bought)
    })
    t.same(folds[0], folds[1])
    const logs = folds[0]!.harm.map((strata) => harmLogEvidence(strata, 1))
    near(t, folds[0]!.sup.harm, mixStarts(logs))
  },
)

t.test('Requests without a key count beside the keys, for every start point.', async (t) => {
  const base = eventFold({ cohort: 5, epoch: 1, starts: 3 }, [8, 3], [3, 2])
  const fold: EventFold = {
    ...base,
    tally: { ...base.tally, harmEvents: [2, 1] },
    harmSince: [[1], [0]],
  }
  const evidence = foldEvents(emptyEvents(), fold, ERRORS)
  t.same(
    evidence.harm.map(([stratum]) => stratum && [stratum.baseline, stratum.canary]),
    [[2, 2], [3, 2], undefined],
  )
})

t.test('What belongs to a step begins anew with the next one.', async (t) => {
  const proved = foldEvents(emptyEvents(), eventFold({}, [9000, 2000], [900, 150]), ERRORS)
  t.ok(proved.sup.stepProof > 3)
  t.equal(proved.sup.stepProof, proved.sup.proof)
  const next = foldEvents(proved, eventFold({ cohort: 1, step: 1 }, [8, 2], [1, 1]), ERRORS)
  t.same(next.stepTrials, [8, 2])
  t.same(next.stepEvents, [1, 1])
  t.same(next.stepProof, [{ pi: 0.2, baseline: 1, canary: 1, trials: 10 }])
  t.equal(next.sup.proof, proved.sup.proof)
  t.equal(next.sup.stepProof, Math.max(0, proofLogEvidence(next.stepProof, 1.5, 0.001)))
})

t.test('A canary that breaks after its proof is not proved on the last step.', async (t) => {
  let evidence = emptyEvents()
  for (let cohort = 0; cohort < 40; cohort += 1)
    evidence = foldEvents(evidence, eventFold({ cohort, pi: 0.5 }, [500, 500], [10, 10]), ERRORS)
  t.ok(evidence.sup.proof > Math.log(20))
  for (let cohort = 40; cohort < 80; cohort += 1)
    evidence = foldEvents(
      evidence,
      eventFold({ cohort, step: 1, pi: 0.5 }, [500, 500], [10, 16]),
      ERRORS,
    )
  t.ok(evidence.sup.proof > Math.log(20), 'the old proof stands')
  t.ok(evidence.sup.stepProof < Math.log(20), 'and does not hold now')
})

t.test('Suprema never fall while the evidence does.', async (t) => {
  const harmed = foldEvents(emptyEvents(), eventFold({}, [80, 20], [20, 16]), ERRORS)
  const after = foldEvents(harmed, eventFold({ cohort: 1 }, [800, 200], [200, 0]), ERRORS)
  t.ok(mixStarts(after.harm.map((s) => harmLogEvidence(s, 1))) < harmed.sup.harm)
  t.equal(after.sup.harm, harmed.sup.harm)
  t.ok(after.sup.proof > harmed.sup.proof)
  const worse = foldEvents(after, eventFold({ cohort: 2 }, [80, 20], [0, 20]), ERRORS)
  t.equal(worse.sup.proof, after.sup.proof)
  t.equal(worse.sup.stepProof, after.sup.stepProof)
})

t.test('What is never to be proved has no proof.', async (t) => {
  const guard = { ...ERRORS, proof: null }
  const evidence = foldEvents(emptyEvents(), eventFold({}, [8000, 2000], [800, 0]), guard)
  t.same(evidence.sup, { harm: 0, proof: 0, stepProof: 0 })
})

t.test('A harm that begins late is found sooner with start points.', async (t) => {
  const found = (epochOf: (cohort: number) => number) => {
    let evidence = emptyEvents()
    let cohort = 0
    for (; evidence.sup.harm < Math.log(20) && cohort < 1000; cohort += 1) {
      const epoch = epochOf(cohort)
      // Healthy for 150 cohorts (0.7 × the baseline's rate), then twice the baseline's rate.
      const canary = cohort < 150 ? 0.35 : 1
      const fold = eventFold({ cohort, epoch, starts: epoch + 1 }, [800, 200], [2, canary])
      evidence = foldEvents(evidence, fold, ERRORS)
    }
    return cohort - 150
  }
  const one = found(() => 0)
  const many = found((cohort) => Math.min(15, Math.floor(cohort / 25)))
  t.same([one, many], [139, 56], 'cohorts after the onset')
})

t.test('With start points and a moving weight the evidence still has expectation 1.', async (t) => {
  const pis = [0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 0.7, 0.7]
  let sum = 0
  for (let labels = 0; labels < 2 ** pis.length; labels += 1) {
    let evidence = emptyEvents()
    let probability = 1
    for (const [cohort, pi] of pis.entries()) {
      const canary = (labels >> cohort) & 1
      probability *= canary === 1 ? pi : 1 - pi
      const epoch = Math.floor(cohort / 3)
      const fold = eventFold({ cohort, pi, epoch, starts: epoch + 1 }, [1, 1], [1 - canary, canary])
      evidence = foldEvents(evidence, fold, ERRORS)
    }
    sum += probability * Math.exp(mixStarts(evidence.harm.map((s) => harmLogEvidence(s, 1))))
  }
  near(t, sum, 1, 1e-12)
})

t.test('Log-wealth adds up by start point, moments by weight.', async (t) => {
  const ones = [1, 2, 3, 4, 5, 6, 7]
  const tally = betTally([8, 2], ones, ones)
  let evidence = foldBets(emptyBets(), { ...PLACE, tally }, RMSE)
  evidence = foldBets(evidence, { ...PLACE, cohort: 1, epoch: 1, starts: 3, tally }, RMSE)
  t.same(evidence.harm, [ones.map((log) => 2 * log), ones, ones.map(() => 0)])
  t.same(evidence.proof, evidence.harm[0])
  t.same(evidence.strata, [{ pi: 0.2, n: [16, 4], sum: [32, 8], sumSq: [80, 20] }])
  near(t, evidence.sup.harm, mixStarts([logMeanExp(evidence.harm[0]!), logMeanExp(ones), 0]))
  near(t, evidence.sup.proof, logMeanExp(evidence.proof))
  const next = foldBets(evidence, { ...PLACE, cohort: 2, step: 1, pi: 0.5, tally }, RMSE)
  t.same(next.stepMoments, { n: [8, 2], sum: [16, 4], sumSq: [40, 10] })
  t.same(next.stepProof, ones)
  near(t, next.sup.stepProof, logMeanExp(ones))
  t.equal(next.strata.length, 2)
})

t.test('A cohort without bets adds its moments, and no evidence.', async (t) => {
  const evidence = foldBets(emptyBets(), { ...PLACE, tally: betTally([8, 2], [], []) }, RMSE)
  t.same(evidence.sup, { harm: 0, proof: 0, stepProof: 0 })
  t.same(evidence.stepMoments.n, [8, 2])
  const guard = { ...RMSE, proof: null }
  const won = [9, 9, 9, 9, 9, 9, 9]
  const harmed = foldBets(emptyBets(), { ...PLACE, tally: betTally([8, 2], won, []) }, guard)
  near(t, harmed.sup.harm, mixStarts([9]))
  t.equal(harmed.sup.proof, 0)
})

t.test('Units are counted by weight, anew from every start point.', async (t) => {
  let ratio = foldRatio(emptyRatio(), { ...PLACE, assigned: [8000, 2000] })
  ratio = foldRatio(ratio, { ...PLACE, cohort: 1, epoch: 1, starts: 2, assigned: [800, 200] })
  ratio = foldRatio(ratio, {
    ...PLACE,
    cohort: 2,
    pi: 0.5,
    epoch: 1,
    starts: 2,
    assigned: [400, 600],
  })
  t.same(ratio.starts, [
    [
      { pi: 0.2, canary: 2200, total: 11_000 },
      { pi: 0.5, canary: 600, total: 1000 },
    ],
    [
      { pi: 0.2, canary: 200, total: 1000 },
      { pi: 0.5, canary: 600, total: 1000 },
    ],
  ])
  near(t, ratio.sup, mixStarts(ratio.starts.map(ratioLogEvidence)))
  t.ok(ratio.sup > 0)
  const clean = foldRatio(ratio, { ...PLACE, cohort: 3, epoch: 1, starts: 2, assigned: [8e5, 2e5] })
  t.equal(clean.sup, ratio.sup, 'a mismatch once shown stands')
})

t.test('After a mismatch was acknowledged the ratio test starts afresh.', async (t) => {
  const anew = emptyRatio(41)
  t.same(anew, { foldedThrough: 41, starts: [[]], sup: 0 })
  t.throws(() => foldRatio(anew, { ...PLACE, cohort: 41, assigned: [8, 2] }))
  const next = foldRatio(anew, { ...PLACE, cohort: 42, epoch: 2, starts: 3, assigned: [8, 2] })
  t.same(
    next.starts.map((strata) => strata[0]!.total),
    [10, 10, 10],
  )
})

function emptyEvents(): EventEvidence {
  return emptyEvidence('1->2#1', [ERRORS], 0).hypotheses['errors'] as EventEvidence
}

function emptyBets(): BetEvidence {
  return emptyEvidence('1->2#1', [RMSE], 0).hypotheses['rmse'] as BetEvidence
}

function eventFold(place: Partial<FoldPlace>, trials: Pair, events: Pair): EventFold {
  const tally: EventTally = { kind: 'event', trials, events, harmEvents: events, harmUnits: null }
  return { ...PLACE, ...place, tally, harmSince: null }
}

/** Values that are all 2 or so: Σy = 2n, Σy² = 5n. */
function betTally(
  n: Pair = [8, 2],
  harm: number[] = [0, 0, 0, 0, 0, 0, 0],
  proof: number[] = harm,
): BetTally {
  const times = (factor: number): Pair => [n[0] * factor, n[1] * factor]
  return { kind: 'bet', n, sum: times(2), sumSq: times(5), harm, proof }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).map(deepFreeze)
  return value
}
