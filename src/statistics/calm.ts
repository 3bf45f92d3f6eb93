import type { Calm, Level } from '../domain/evidence.ts'
import type { Better } from '../domain/rollout-spec.ts'
import { LIKELY_SCORE, NO_SCORES, OUTAGE_SCORE, outageScores } from './outage.ts'

/** What a proof is made of, for the attempt and for its step. */
export type Proofs<W> = { readonly proof: W; readonly stepProof: W }

/** One cohort, and all before it, as outages of the baseline are looked for in them. */
export type CalmFold<W> = {
  /** Of all cohorts before; what belongs to the step is that of the cohort's. */
  readonly before: Proofs<W> & { readonly baseline: Level; readonly calm: Calm<W> | undefined }
  /** Of all cohorts with this one. */
  readonly after: Proofs<W>
  /** What the cohort adds to each proof, and the baseline's units in it. */
  readonly more: W
  readonly baseline: Level
  readonly better: Better
  /** The largest value of a unit. */
  readonly cap: number
  readonly none: W
  readonly add: (a: W, b: W) => W
}

/**
 * The proofs without outages of the baseline, one cohort later; undefined where those are the proofs of all cohorts. From the
 * first cohort on that makes an outage likely none is added until they no longer speak for one: then they were one, and are left
 * out, or they were not, and are added together. One that goes on for more units than all before it is what the baseline does
 * now. Whatever rule leaves cohorts out, the smaller of these proofs and those of all cohorts keeps its level.
 */
export function foldCalm<W>(fold: CalmFold<W>): Calm<W> | undefined {
  const { before, more, better, cap, add } = fold
  const known: Calm<W> = before.calm ?? {
    ...{ proof: before.proof, stepProof: before.stepProof },
    ...{ baseline: before.baseline, isWhole: true },
  }
  const own = known.baseline ?? before.baseline
  const doubted = known.doubted ?? {
    ...{ scores: NO_SCORES, outageUnits: null, baseline: NO_LEVEL },
    ...{ proof: fold.none, stepProof: fold.none },
  }
  const bad = (level: Level) => badOf(level, better, cap)
  // As long as it is not known to be an outage it is a part of what is usual.
  const usual = doubted.outageUnits !== null ? own : addLevels(own, doubted.baseline)
  const scores = outageScores(doubted.scores, bad(usual), bad(fold.baseline))
  const score = Math.max(...scores)
  if (score === 0 && before.calm === undefined) return undefined
  const isWhole = known.isWhole === true
  const isDoubted = score > 0 && (doubted.baseline[0] > 0 || score >= LIKELY_SCORE)
  const outageUnits = lengthOf(doubted.outageUnits, score, fold.baseline)
  const baseline = addLevels(doubted.baseline, fold.baseline)
  const [proof, stepProof] = [add(doubted.proof, more), add(doubted.stepProof, more)]
  const isUsual = (outageUnits ?? baseline[0]) > own[0]
  if (isDoubted && !isUsual) {
    const { proof: calm, stepProof: stepCalm } = known
    const waiting = { scores, outageUnits, baseline, proof, stepProof }
    return { proof: calm, stepProof: stepCalm, baseline: own, isWhole, doubted: waiting }
  }
  if (outageUnits !== null && !isUsual) {
    return { proof: known.proof, stepProof: known.stepProof, baseline: own, isWhole: false }
  }
  if (isWhole && (score === 0 || isUsual)) return undefined
  // Where none is left out it is the same object, of which nobody has to ask again what it proves.
  const proofs = isWhole
    ? fold.after
    : { proof: add(known.proof, proof), stepProof: add(known.stepProof, stepProof) }
  const added = { ...proofs, baseline: addLevels(own, baseline), isWhole }
  if (score === 0 || isUsual) return added
  const none = { baseline: NO_LEVEL, proof: fold.none, stepProof: fold.none }
  return { ...added, doubted: { scores, outageUnits: null, ...none } }
}

/** How long an outage is, without the cohort that it is known from: of that it may have been the smaller part. */
function lengthOf(before: number | null, score: number, [units]: Level): number | null {
  if (score < OUTAGE_SCORE) return before
  return before === null ? 0 : before + units
}

const NO_LEVEL: Level = [0, 0]

function addLevels(a: Level, b: Level): Level {
  return [a[0] + b[0], a[1] + b[1]]
}

/** Units, and how bad they were: each from 0 to 1. */
function badOf([units, sum]: Level, better: Better, cap: number): Level {
  const share = Math.min(units, sum / cap)
  return [units, better === 'lower' ? share : units - share]
}
