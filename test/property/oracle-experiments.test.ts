import t from 'tap'
import { compareExperiment } from './oracle/compare-experiment.ts'
import { drawExperiment } from './oracle/experiment-cases.ts'
import { ExperimentWorld } from './oracle/experiment-world.ts'

const { SEED, RUNS = 20 } = process.env

/** `SEED=100 RUNS=50 node build/test/property/oracle-experiments.test.js` tries others. */
const SEEDS =
  SEED === undefined ? [2, 8] : Array.from({ length: Number(RUNS) }, (_, n) => Number(SEED) + n)

t.test('So is what is said of the challengers of an experiment.', async (t) => {
  const folder = t.testdir({})
  const compared: Record<string, number> = {}
  for (const seed of SEEDS) {
    const life = drawExperiment(seed)
    const world = await ExperimentWorld.open(life, `${folder}/${seed}`)
    await world.live(20)
    const { differ, ...comparison } = await compareExperiment(world, life)
    await world.close()
    t.same(world.errors, [], `seed ${seed}`)
    t.same(differ.slice(0, 5), [], `seed ${seed}: so many differ: ${differ.length}`)
    for (const [what, count] of Object.entries(comparison.compared)) {
      compared[what] = (compared[what] ?? 0) + count
    }
  }
  t.comment(compared)
  t.ok(compared['harm']! > 100, 'there was evidence')
})
