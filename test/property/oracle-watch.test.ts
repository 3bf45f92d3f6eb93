import t from 'tap'
import { holdLives, leadRollout } from './oracle/hold-lives.ts'
import { drawWatch } from './oracle/watch-cases.ts'

t.test('So is what is shown of a drift, and of a watch with a holdback.', async (t) => {
  const folder = t.testdir({})
  const compared = await holdLives(t, [8, 36, 40], (seed) =>
    leadRollout(drawWatch(seed), `${folder}/${seed}`, 30),
  )
  const [sizes, watched] = [compared['size of a shift'] ?? 0, compared['decision in a watch'] ?? 0]
  t.ok(sizes > 10 && watched > 10, 'there were shifts, and a watch')
})
