import { fc } from '../../support/fast-check.ts'

/** Cases under way at once. */
const CONCURRENCY = 50

/** Faults that are kept of one run: the first ones tell enough. */
const MOST_FAULTS = 5

/** How a fault begins that a busy machine can explain. */
export const OUT_OF_TIME = 'out of time'

/** A number out of the environment, or the usual one. */
export function readNumber(variable: string, usual: number): number {
  const text = process.env[variable]
  return text === undefined || text === '' ? usual : Number(text)
}

/**
 * Draws `count` cases and runs them side by side. Gives what went wrong, each with how to run it again alone:
 * `SERIN_FUZZ_SEED` is the seed, `SERIN_FUZZ_CASE` the number of the one case to run.
 */
export async function runCases<T>(
  cases: fc.Arbitrary<T>,
  { seed, count }: { readonly seed: number; readonly count: number },
  run: (one: T) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const drawn = fc.sample(cases, { seed, numRuns: count })
  const only = readNumber('SERIN_FUZZ_CASE', -1)
  const faults: string[] = []
  let next = 0
  const worker = async () => {
    while (next < drawn.length && faults.length < MOST_FAULTS) {
      const index = next++
      if (only !== -1 && index !== only) continue
      let wrong = await run(drawn[index]!)
      // A machine that is busy for longer than a phase lasts: whoever is right is so the second time.
      if (wrong.length > 0 && wrong.every((fault) => fault.startsWith(OUT_OF_TIME))) {
        wrong = await run(drawn[index]!)
      }
      const again = `SERIN_FUZZ_SEED=${seed} SERIN_FUZZ_COUNT=${count} SERIN_FUZZ_CASE=${index}`
      faults.push(...wrong.map((fault) => `${again}: ${fault}`))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  return faults
}
