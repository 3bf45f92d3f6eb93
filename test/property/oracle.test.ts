import t from 'tap'
import { drawCase } from './oracle/cases.ts'
import { holdLives, leadRollout } from './oracle/hold-lives.ts'

t.test(
  'What is shown and decided is what docs/statistics.md, read word for word, makes of all requests.',
  async (t) => {
    const folder = t.testdir({})
    const compared = await holdLives(t, [4, 10, 24, 42], (seed) =>
      leadRollout(drawCase(seed), `${folder}/${seed}`, 25),
    )
    t.ok(
      compared['harm']! > 100 && compared['decision']! > 100,
      'there was evidence, and time for decisions',
    )
  },
)
