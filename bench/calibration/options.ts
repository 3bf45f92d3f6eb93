import { parseArgs } from 'node:util'

/** What one run does. */
export type Options = {
  readonly jsonFile: string | null
  readonly quick: boolean
  readonly seed: number
  /** Only scenarios whose names begin with it; null = all. */
  readonly only: string | null
}

/** Reads the command line. @throws with what would be right */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  })
  if (!/^\d+$/.test(values.seed)) {
    throw new Error(`--seed must be a whole number, found ${values.seed}`)
  }
  return {
    jsonFile: values.json ?? null,
    quick: values.quick,
    seed: Number(values.seed),
    only: values.only ?? null,
  }
}
