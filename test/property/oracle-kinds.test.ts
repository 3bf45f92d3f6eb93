import t from 'tap'
import { drawKindsCase } from './oracle/kinds-case.ts'
import { compare } from './oracle/compare.ts'
import { World } from './oracle/world.ts'

const { SEED, RUNS = 20 } = process.env

/** `SEED=100 RUNS=50 node build/test/property/oracle.test.js` tries others. */
const SEEDS =
  SEED === undefined
    ? [1, 2, 3, 4, 5, 6]
    : Array.from({ length: Number(RUNS) }, (_, n) => Number(SEED) + n)

t.test(
  'What is shown and decided of ratios, losses, learnt caps and windows of several lengths is what docs/statistics.md, read word for word, makes of all requests.',
  async (t) => {
    const folder = t.testdir({})
    const compared: Record<string, number> = {}
    for (const seed of SEEDS) {
      const life = drawKindsCase(seed)
      const world = await World.open(life, `${folder}/${seed}`)
      await world.live(25)
      const comparison = await compare(world, life)
      await world.close()
      t.same(world.errors, [], `seed ${seed}`)
      t.same(
        comparison.differ.slice(0, 5),
        [],
        `seed ${seed}: so many differ: ${comparison.differ.length}`,
      )
      for (const [what, count] of Object.entries(comparison.compared)) {
        compared[what] = (compared[what] ?? 0) + count
      }
      for (const { action } of world.decisions) compared[action] = (compared[action] ?? 0) + 1
    }
    t.comment(compared)
    t.ok(
      compared['harm']! > 100 && compared['decision']! > 100,
      'there was evidence, and time for decisions',
    )
  },
)
