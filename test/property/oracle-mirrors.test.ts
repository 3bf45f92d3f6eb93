import t from 'tap'
import { compareMirror } from './oracle/compare-mirror.ts'
import { drawMirror } from './oracle/mirror-cases.ts'

const { SEED, RUNS = 20 } = process.env

/** `SEED=100 RUNS=50 node build/test/property/oracle-mirrors.test.js` tries others. */
const SEEDS =
  SEED === undefined
    ? [2, 5, 7, 10, 15]
    : Array.from({ length: Number(RUNS) }, (_, n) => Number(SEED) + n)

t.test('So is what is shown of the pairs of a mirror step.', async (t) => {
  const compared: Record<string, number> = {}
  for (const seed of SEEDS) {
    const comparison = await compareMirror(drawMirror(seed), 20)
    const { differ } = comparison
    t.same(differ.slice(0, 5), [], `seed ${seed}: so many differ: ${differ.length}`)
    for (const [what, count] of Object.entries(comparison.compared)) {
      compared[what] = (compared[what] ?? 0) + count
    }
  }
  t.comment(compared)
  t.ok(compared['harm']! > 100, 'there was evidence')
})
