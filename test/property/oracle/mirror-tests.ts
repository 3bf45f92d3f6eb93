import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { logMeanExp } from './formulas.ts'
import { WINDOW_MS } from './mirror-cases.ts'
import { differenceBets, shareEvidence, sidesEvidence, type Pair, type Sides } from './mirrors.ts'

/** How long copies belong to one interval. */
export const INTERVAL_MS = 1000

/** One test of pairs. */
export type Test = {
  readonly id: string
  readonly windowMs: number
  /** log-evidence [harm, proof] of the pairs of intervals that are folded. */
  readonly evidence: (folded: readonly Pair[]) => readonly [number, number | null]
  /** It waits for so many labels; null = it does not. */
  readonly minLabels: number | null
  /** It pauses at 1,000 : 1 and shares no α. */
  readonly isGuard: boolean
  /** Of a disagreement: how many differ, of how many, and the limit. */
  readonly share?: (folded: readonly Pair[]) => readonly [of: number, all: number, max: number]
  readonly values: (folded: readonly Pair[]) => readonly (number | null)[]
}

/** The same tests of the pairs of a segment, or of all. */
export function testsOfSegment(metric: MetricSpec, segment: string | null, pairs: readonly Pair[]) {
  const own = (all: readonly Pair[]) =>
    segment === null ? all : all.filter((pair) => pair.segment === segment)
  return testsOf(metric, own(pairs)).map((test): Test => {
    const { id, evidence, values, share } = test
    const at = segment === null ? '' : `@${segment}`
    return {
      ...test,
      id: id.endsWith('/mirror') ? id.replace(/\/mirror$/, `${at}/mirror`) : `${id}${at}`,
      // What needs no more than its pairs has no minimum of its own; nor has a segment.
      minLabels: segment === null ? test.minLabels : null,
      evidence: (folded) => evidence(own(folded)),
      values: (folded) => values(own(folded)),
      ...(share === undefined ? undefined : { share: (folded) => share(own(folded)) }),
    }
  })
}

function testsOf(metric: MetricSpec, pairs: readonly Pair[]): readonly Test[] {
  const { name, better, maxChange, sensitivity, kind } = metric
  const isLower = better === 'lower'
  if (kind === 'disagreement') return [disagreement(name, metric.max!)]
  const power = kind === 'rmse' ? 2 : 1
  const ratioOf = (change: number) => (isLower ? 1 + change : 1 - change) ** power
  const margin = maxChange === 0 ? sensitivity : maxChange!
  const [harmRatio, proofRatio] = [ratioOf(maxChange!), ratioOf(margin)]
  if (kind === 'error-rate') {
    const ratios = { harmRatio, proofRatio, floor: metric.floor }
    return [ofSides(`${name}/mirror`, 0, ratios, ({ failed }) => [failed, failed])]
  }
  if (kind !== 'rmse' && kind !== 'mae' && kind !== 'accuracy')
    throw new Error(`no oracle of ${kind}`)
  const errorsOf = ({ predictions, label }: Pair) =>
    predictions.map((each) =>
      each === null || label === null ? null : Math.abs(each - label.value),
    ) as [number | null, number | null]
  const missing = ofSides(
    `${name}/label-missing/mirror`,
    0,
    { harmRatio: 1, proofRatio: null, floor: 0 },
    ({ predictions }) => {
      const is = predictions.map((each) => each === null) as [boolean, boolean]
      return [is, is]
    },
  )
  const cap = kind === 'accuracy' ? 1 : metric.cap!
  const score = (error: number) =>
    kind === 'accuracy' ? Number(error === 0) : Math.min(error, cap) ** power
  const scoresOf = (pair: Pair): readonly [number, number] | null => {
    const [b, c] = errorsOf(pair)
    return b === null || c === null ? null : [score(b), score(c)]
  }
  const scores = ofScores(`${name}/mirror`, pairs, scoresOf, {
    ...{ harmRatio, proofRatio, isLower, cap: cap ** power, isSquare: kind === 'rmse' },
    minLabels: metric.minLabels,
  })
  if (kind === 'accuracy') return [scores, missing]
  const above = ofSides(
    `${name}/above-cap/mirror`,
    WINDOW_MS,
    { harmRatio: 1.5, proofRatio: 1.5, floor: 0.005 },
    (pair) => {
      const [b, c] = errorsOf(pair)
      if (b === null || c === null) return null
      const is = (change: number): [boolean, boolean] => [b > cap, c > cap * (1 + change)]
      return [is(maxChange!), is(margin)]
    },
  )
  return [scores, above, missing]
}

function disagreement(id: string, max: number): Test {
  const counts = (pairs: readonly Pair[]) => {
    const compared = pairs.filter(({ disagreed }) => disagreed !== null)
    return [compared.filter(({ disagreed }) => disagreed).length, compared.length] as const
  }
  return {
    ...{ id, windowMs: 0, minLabels: null, isGuard: false },
    share: (pairs) => [...counts(pairs), max],
    evidence: (pairs) => {
      const [of, all] = counts(pairs)
      return [shareEvidence(of, all, max, true), shareEvidence(of, all, max, false)]
    },
    values: (pairs) => {
      const [of, all] = counts(pairs)
      return [0, null, all, all === 0 ? null : of / all]
    },
  }
}

type BySide = readonly [baseline: boolean, canary: boolean]

/** `happened`: on which sides, for harm and for the proof; null = the pair is not asked. */
function ofSides(
  id: string,
  windowMs: number,
  { harmRatio, proofRatio, floor }: { harmRatio: number; proofRatio: number | null; floor: number },
  happened: (pair: Pair) => readonly [harm: BySide, proof: BySide] | null,
): Test {
  const sides = (pairs: readonly Pair[], which: 0 | 1): Sides => {
    const all = pairs.flatMap((pair) =>
      happened(pair)?.[which] === undefined ? [] : [happened(pair)![which]],
    )
    const n = (b: boolean, c: boolean) => all.filter((is) => is[0] === b && is[1] === c).length
    return [n(false, true), n(true, false), n(true, true), n(false, false)]
  }
  return {
    ...{ id, windowMs, minLabels: null, isGuard: proofRatio === null },
    evidence: (pairs) => [
      sidesEvidence(sides(pairs, 0), { ratio: harmRatio, isHarm: true, floor: 0 }),
      proofRatio === null
        ? null
        : sidesEvidence(sides(pairs, 1), { ratio: proofRatio, isHarm: false, floor }),
    ],
    values: (pairs) => {
      const [canary, baseline, both, neither] = sides(pairs, 1)
      const n = canary + baseline + both + neither
      return n === 0 ? [0, null, 0, null] : [n, (baseline + both) / n, n, (canary + both) / n]
    },
  }
}

function ofScores(
  id: string,
  pairs: readonly Pair[],
  scoresOf: (pair: Pair) => readonly [number, number] | null,
  {
    harmRatio,
    proofRatio,
    isLower,
    cap,
    isSquare,
    minLabels,
  }: {
    harmRatio: number
    proofRatio: number
    isLower: boolean
    cap: number
    isSquare: boolean
    minLabels: number
  },
): Test {
  const betsAt = (interval: number, ratio: number, isHarm: boolean) => {
    const known = pairs.filter(({ label }) => label !== null && label.at <= interval * INTERVAL_MS)
    const scores = known.flatMap((pair) => scoresOf(pair) ?? []).length
    if (scores === 0) return null
    const all = known.map(scoresOf).filter((each) => each !== null)
    return differenceBets(all, { ratio, isHarm, isUp: isHarm === isLower, cap })
  }
  const known = new Map<string, readonly number[] | null>()
  const bets = (interval: number, isHarm: boolean) => {
    const key = `${interval} ${isHarm}`
    const found = known.get(key)
    if (found !== undefined) return found
    const made = betsAt(interval, isHarm ? harmRatio : proofRatio, isHarm)
    known.set(key, made)
    return made
  }
  const judged = (folded: readonly Pair[]) =>
    folded.flatMap((pair) => {
      const scores = scoresOf(pair)
      return scores === null || bets(pair.interval, true) === null ? [] : [{ pair, scores }]
    })
  const wealth = (folded: readonly Pair[], isHarm: boolean) => {
    const ratio = isHarm ? harmRatio : proofRatio
    const logs = Array.from({ length: 7 }, () => 0)
    for (const { pair, scores } of judged(folded)) {
      for (const [j, lambda] of bets(pair.interval, isHarm)!.entries()) {
        logs[j]! += Math.log1p(lambda * (scores[1] - ratio * scores[0]))
      }
    }
    return logMeanExp(logs)
  }
  return {
    ...{ id, windowMs: WINDOW_MS, minLabels, isGuard: false },
    evidence: (folded) => [wealth(folded, true), wealth(folded, false)],
    values: (folded) => {
      const all = judged(folded)
      if (all.length === 0) return [0, null, 0, null]
      const means = [0, 1].map((side) => {
        const mean = all.reduce((sum, { scores }) => sum + scores[side]!, 0) / all.length
        return isSquare ? Math.sqrt(mean) : mean
      })
      return [all.length, means[0]!, all.length, means[1]!]
    },
  }
}
