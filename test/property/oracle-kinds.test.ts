import t from 'tap'
import { holdLives, leadRollout } from './oracle/hold-lives.ts'
import { drawKindsCase } from './oracle/kinds-case.ts'
import { drawLimitsCase } from './oracle/limits-case.ts'
import { drawThresholdCase } from './oracle/threshold-case.ts'

const LIVES = [
  {
    of: 'ratios, losses, caps that are learnt and windows of several lengths',
    draw: drawKindsCase,
    seeds: [18, 30, 58],
    least: ['harm', 'bets', 'interval', 'decision'],
  },
  {
    of: 'absolute limits',
    draw: drawLimitsCase,
    seeds: [12, 23],
    least: ["limit's figures", "limit's keys", 'limit of late', 'decision'],
  },
  {
    of: 'measurements that are counted',
    draw: drawThresholdCase,
    seeds: [4, 30],
    least: ['measurements', 'decision'],
  },
] as const

for (const { of, draw, seeds, least } of LIVES) {
  t.test(`What is shown and decided by ${of} is what docs/ make of all requests.`, async (t) => {
    const folder = t.testdir({})
    const compared = await holdLives(t, seeds, (seed) =>
      leadRollout(draw(seed), `${folder}/${seed}`, 25),
    )
    for (const what of least) t.ok(compared[what]! > 0, what)
  })
}
