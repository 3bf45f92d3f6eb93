import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Level } from '../../src/domain/evidence.ts'
import { NO_SCORES, OUTAGE_SCORE, outageScores } from '../../src/statistics/outage.ts'

/** Whether cohorts of the baseline, each its units and what is bad of them, are an outage after so many units. */
function isOutage(usual: Level, ...cohorts: readonly Level[]): boolean {
  let scores = NO_SCORES
  return cohorts.some((now) => {
    scores = outageScores(scores, usual, now)
    return scores.includes(OUTAGE_SCORE)
  })
}

const times = (count: number, cohort: Level) => Array.from({ length: count }, () => cohort)

t.test('An outage is seen in few units, and over neighbouring cohorts.', async (t) => {
  t.ok(isOutage([1000, 10], [100, 30]))
  t.ok(isOutage([1000, 30], [20, 7]), 'a short one')
  t.ok(isOutage([1000, 10], [3, 3]))
  t.notOk(isOutage([1000, 10], [2, 2]))
  t.ok(isOutage([1000, 10], [2, 1], [2, 2], [2, 0], [2, 1], [2, 1]), 'of a slow service')
  t.ok(isOutage([1000, 10], ...times(6, [200, 7])), 'what is more by half of three times')
  t.ok(isOutage([1000, 500], ...times(4, [20, 20])), 'where half of the units have it as it is')
  t.ok(isOutage([1000, 990], [2000, 2000]), 'and where it is what hardly ever does not come')
})

t.test('What chance gives is none, and neither is half as much again.', async (t) => {
  t.notOk(isOutage([1000, 10], [100, 3]))
  t.notOk(isOutage([1000, 10], ...times(1000, [200, 3])))
  t.notOk(isOutage([1000, 10], [0, 0]))
  t.notOk(isOutage([0, 0], [100, 100]), 'nothing is known before')
  t.notOk(isOutage([2, 0], [4, 1]))
})

t.test('It is over soon after it ends, however long it was.', async (t) => {
  let scores = outageScores(NO_SCORES, [100_000, 1000], [10_000, 10_000])
  t.same(scores, [OUTAGE_SCORE, OUTAGE_SCORE])
  scores = outageScores(scores, [100_000, 1000], [1100, 11])
  t.same(scores, NO_SCORES)
})

t.test('Where nothing changes hardly a failure is one of an outage.', async (t) => {
  const random = createRandom(3)
  for (const [units, share] of [
    [3, 0.01],
    [50, 0.01],
    [500, 0.2],
  ] as const) {
    let [scores, failures, lost, run, isSeen] = [NO_SCORES, 0, 0, 0, false]
    for (let cohort = 0; cohort < 2e6 / units; cohort++) {
      let bad = 0
      for (let unit = 0; unit < units; unit++) if (random() < share) bad++
      failures += bad
      scores = outageScores(scores, [1e6, 1e6 * share], [units, bad])
      run += bad
      isSeen ||= scores.includes(OUTAGE_SCORE)
      if (scores[0] > 0 || scores[1] > 0) continue
      if (isSeen) lost += run
      ;[run, isSeen] = [0, false]
    }
    t.ok(lost < 0.005 * failures, `${units} units of ${share}: ${lost} of ${failures}`)
  }
})
