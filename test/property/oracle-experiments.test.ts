import t from 'tap'
import { compareExperiment } from './oracle/compare-experiment.ts'
import { drawExperiment } from './oracle/experiment-cases.ts'
import { ExperimentWorld } from './oracle/experiment-world.ts'
import { holdLives } from './oracle/hold-lives.ts'

t.test('So is what is said of the challengers of an experiment.', async (t) => {
  const folder = t.testdir({})
  const compared = await holdLives(t, [2, 8], async (seed) => {
    const life = drawExperiment(seed)
    const world = await ExperimentWorld.open(life, `${folder}/${seed}`)
    await world.drive.live(20)
    const { compared, differ } = await compareExperiment(world, life)
    await world.drive.close()
    return { compared, differ, errors: world.drive.errors }
  })
  t.ok(compared['harm']! > 100, 'there was evidence')
})
