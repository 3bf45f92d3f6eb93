import t from 'tap'
import { compareMirror } from './oracle/compare-mirror.ts'
import { holdLives } from './oracle/hold-lives.ts'
import { drawMirror } from './oracle/mirror-cases.ts'

t.test('So is what is shown of the pairs of a mirror step.', async (t) => {
  const compared = await holdLives(t, [2, 5, 7, 10, 15], async (seed) => {
    const { compared, differ } = await compareMirror(drawMirror(seed), 20)
    return { compared, differ, errors: [] }
  })
  t.ok(compared['harm']! > 100, 'there was evidence')
})
