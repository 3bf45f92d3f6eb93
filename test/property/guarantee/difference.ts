/** By what the canary differs: factors of what it is alike in, and what is added to shares. */
export type Difference = {
  readonly failing: readonly [times: number, plus: number]
  readonly latency: number
  readonly errors: number
  readonly right: number
  readonly buying: readonly [times: number, plus: number]
  readonly amounts: number
  readonly clicking: number
}

/** It does not. */
export const ALIKE: Difference = {
  failing: [1, 0],
  latency: 1,
  errors: 1,
  right: 1,
  buying: [1, 0],
  amounts: 1,
  clicking: 1,
}
