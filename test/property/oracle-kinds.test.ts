import t, { type Test } from 'tap'
import type { Case } from './oracle/cases.ts'
import { compare } from './oracle/compare.ts'
import { drawKindsCase } from './oracle/kinds-case.ts'
import { drawLimitsCase } from './oracle/limits-case.ts'
import { drawThresholdCase } from './oracle/threshold-case.ts'
import { World } from './oracle/world.ts'

const { SEED, RUNS = 20 } = process.env

const LIVES = [
  {
    of: 'ratios, losses, caps that are learnt and windows of several lengths',
    draw: drawKindsCase,
    seeds: [18, 30, 58],
    least: ['harm', 'bets', 'interval', 'decision'],
  },
  {
    of: 'absolute limits',
    draw: drawLimitsCase,
    seeds: [12, 23],
    least: ["limit's figures", "limit's keys", 'limit of late', 'decision'],
  },
  {
    of: 'measurements that are counted',
    draw: drawThresholdCase,
    seeds: [4, 30],
    least: ['measurements', 'decision'],
  },
] as const

for (const { of, draw, seeds, least } of LIVES) {
  t.test(`What is shown and decided by ${of} is what docs/ make of all requests.`, async (t) => {
    const compared: Record<string, number> = {}
    for (const seed of asked(seeds)) {
      const found = await liveAndCompare(t, draw(seed), seed)
      for (const [what, n] of Object.entries(found)) compared[what] = (compared[what] ?? 0) + n
    }
    t.comment(compared)
    for (const what of least) t.ok(compared[what]! > 0, what)
  })
}

/** `SEED=100 RUNS=50 node build/test/property/oracle-kinds.test.js` tries others. */
function asked(seeds: readonly number[]): readonly number[] {
  if (SEED === undefined) return seeds
  return Array.from({ length: Number(RUNS) }, (_, n) => Number(SEED) + n)
}

/** How often each kind of figure was compared. */
async function liveAndCompare(t: Test, life: Case, seed: number) {
  const world = await World.open(life, `${t.testdir({})}/${seed}`)
  await world.live(25)
  const { differ, compared } = await compare(world, life)
  await world.close()
  t.same(world.errors, [], `seed ${seed}`)
  t.same(differ.slice(0, 5), [], `seed ${seed}: so many differ: ${differ.length}`)
  return compared
}
