import t from 'tap'
import { drawBreakerCase } from './oracle/breaker-case.ts'
import { holdLives, leadRollout } from './oracle/hold-lives.ts'
import { drawPauseCase } from './oracle/pause-case.ts'

t.test('So is what the breaker and a sick baseline lead to.', async (t) => {
  const folder = t.testdir({})
  const compared = await holdLives(t, [65, 69, 71], (seed) =>
    leadRollout(drawBreakerCase(seed), `${folder}/${seed}`, 25),
  )
  for (const what of ['who tripped', 'weight after a trip', 'decision', 'pause']) {
    t.ok(compared[what]! > 0, what)
  }
})

t.test('So is what pauses, and what an operator goes on with.', async (t) => {
  const folder = t.testdir({})
  const compared = await holdLives(t, [1, 6], (seed) =>
    leadRollout(drawPauseCase(seed), `${folder}/${seed}`, 13),
  )
  for (const what of ['decision in a pause', 'resume', 'sample ratio']) {
    t.ok(compared[what]! > 0, what)
  }
})
