import t from 'tap'
import { compare } from './oracle/compare.ts'
import { drawWatch } from './oracle/watch-cases.ts'
import { World } from './oracle/world.ts'

const { SEED, RUNS = 20 } = process.env

/** `SEED=100 RUNS=50 node build/test/property/oracle-watch.test.js` tries others. */
const SEEDS =
  SEED === undefined
    ? [8, 36, 40]
    : Array.from({ length: Number(RUNS) }, (_, n) => Number(SEED) + n)

t.test('So is what is shown of a drift, and of a watch with a holdback.', async (t) => {
  const folder = t.testdir({})
  const compared: Record<string, number> = {}
  for (const seed of SEEDS) {
    const life = drawWatch(seed)
    const world = await World.open(life, `${folder}/${seed}`)
    await world.live(30)
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
  const [sizes, watched] = [compared['size of a shift'] ?? 0, compared['decision in a watch'] ?? 0]
  t.ok(sizes > 10 && watched > 10, 'there were shifts, and a watch')
})
