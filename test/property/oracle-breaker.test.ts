import t from 'tap'
import { drawBreakerCase } from './oracle/breaker-case.ts'
import { holdLives, leadRollout } from './oracle/hold-lives.ts'
import { drawPauseCase } from './oracle/pause-case.ts'

t.test('So is what the breaker and a sick baseline lead to.', async (t) => {
  const folder = t.testdir({})
  const compared = await holdLives(t, [20, 64, 69], (seed) =>
    leadRollout(drawBreakerCase(seed), `${folder}/${seed}`, 25),
  )
  for (const what of ['who tripped', 'weight after a trip', 'decision', 'pause']) {
    t.ok(compared[what]! > 0, what)
  }
})

t.test('So is what pauses, and what an operator goes on with.', async (t) => {
  const folder = t.testdir({})
  const compared = await holdLives(t, [5, 8], (seed) =>
    leadRollout(drawPauseCase(seed), `${folder}/${seed}`, 20),
  )
  for (const what of ['decision in a pause', 'resume', 'sample ratio']) {
    t.ok(compared[what]! > 0, what)
  }
})
