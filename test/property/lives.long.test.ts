import t from 'tap'
import { leadLife } from './lives/lead-life.ts'

const { SEED = '1', RUNS = '100', SECONDS = '120' } = process.env

t.test(
  `Whatever happens to gateways on one store, in ${RUNS} lives from seed ${SEED} on.`,
  async (t) => {
    t.setTimeout(36_000_000)
    for (let seed = Number(SEED); seed < Number(SEED) + Number(RUNS); seed += 1) {
      const folder = `${t.testdir()}/${seed}`
      const begunAt = performance.now()
      const options = { folder, seed, gateways: 1 + (seed % 3), services: 4 }
      const { faults, ...led } = await leadLife(Number(SECONDS), options)
      t.comment(
        `seed ${seed}, ${((performance.now() - begunAt) / 1000).toFixed(1)} s: ${JSON.stringify(led)}`,
      )
      t.same(faults, [], `seed ${seed}`)
    }
  },
)
