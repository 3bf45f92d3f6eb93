import type { Test } from 'tap'
import type { Case } from './cases.ts'
import { compare, type Comparison } from './compare.ts'
import { World } from './world.ts'

const { SEED, RUNS = 20 } = process.env

/** What came of one life; `errors`: what the product failed at. */
export type Held = Comparison & { readonly errors: readonly unknown[] }

/**
 * Leads a life for each of these seeds, and fails where anything differs. Gives how often each kind of figure was compared.
 * `SEED=100 RUNS=50 node build/test/property/oracle.test.js` leads others.
 */
export async function holdLives(
  t: Test,
  known: readonly number[],
  lead: (seed: number) => Promise<Held>,
): Promise<Readonly<Record<string, number>>> {
  const compared: Record<string, number> = {}
  for (const seed of askedOr(known)) {
    const { differ, errors, ...found } = await lead(seed)
    t.same(errors, [], `seed ${seed}`)
    t.same(differ.slice(0, 5), [], `seed ${seed}: so many differ: ${differ.length}`)
    for (const [what, n] of Object.entries(found.compared)) {
      compared[what] = (compared[what] ?? 0) + n
    }
  }
  t.comment(compared)
  return compared
}

/** One life of a rollout of so many seconds, held against the oracle; its decisions are counted, too. */
export async function leadRollout(life: Case, path: string, seconds: number): Promise<Held> {
  const world = await World.open(life, path)
  await world.drive.live(seconds)
  const { differ, ...found } = await compare(world, life)
  await world.drive.close()
  const compared: Record<string, number> = { ...found.compared }
  for (const { action } of world.drive.decisions) compared[action] = (compared[action] ?? 0) + 1
  return { compared, differ, errors: world.drive.errors }
}

function askedOr(known: readonly number[]): readonly number[] {
  if (SEED === undefined) return known
  return Array.from({ length: Number(RUNS) }, (_, n) => Number(SEED) + n)
}
