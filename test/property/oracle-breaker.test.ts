import t from 'tap'
import { drawBreakerCase } from './oracle/breaker-case.ts'
import { holdLives, leadRollout } from './oracle/hold-lives.ts'

t.test('So is what the breaker and a sick baseline lead to.', async (t) => {
  const folder = t.testdir({})
  await holdLives(t, [1, 2, 3], (seed) =>
    leadRollout(drawBreakerCase(seed), `${folder}/${seed}`, 25),
  )
})
