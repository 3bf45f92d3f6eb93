import type { Pair } from '../domain/cohort.ts'
import type {
  EventEvidence,
  EventStratum,
  Evidence,
  HypothesisEvidence,
} from '../domain/evidence.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { NumberRow, type NumberWriter } from './record-writer.ts'

/**
 * Evidence whose counted events are rows of numbers: it is written for each service at each tick, and names would be
 * most of it. Order: cohort and step · trials · events · those of the step · suprema (harm, proof, of the step) · 1 and
 * the unscored, or 0 · of how many start points · strata of each, of the proof, of the step's · where the baseline had
 * an outage, strata of both proofs without it · 1 where none was left out for good · units and events of the baseline in
 * them · where cohorts are doubted, both scores, units of an outage (-1: it is none yet), units and events of the
 * baseline, strata of both proofs. Strata: how many · of each weight, baseline, canary, trials. Pairs:
 * baseline, canary.
 */
type PackedEvidence = Omit<Evidence, 'hypotheses'> & {
  readonly hypotheses: Readonly<Record<string, HypothesisEvidence | readonly number[]>>
}

/** Encodes evidence so that it comes back equal to the bit. Throws as `encodeRecord` does. */
export function encodeEvidence(evidence: Evidence): Buffer {
  const hypotheses: Record<string, HypothesisEvidence | EventRow> = {}
  for (const id in evidence.hypotheses) {
    const found = evidence.hypotheses[id]!
    hypotheses[id] = found.kind === 'event' ? new EventRow(found) : found
  }
  return encodeRecord({ ...evidence, hypotheses })
}

/** What `encodeEvidence` was given; also what older versions wrote, without rows. */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  const packed = decodeRecord<PackedEvidence>(bytes)
  const hypotheses = Object.entries(packed.hypotheses).map(([id, found]) => [
    id,
    isRow(found) ? unpack(found) : found,
  ])
  return { ...packed, hypotheses: Object.fromEntries(hypotheses) }
}

function isRow(found: HypothesisEvidence | readonly number[]): found is readonly number[] {
  return Array.isArray(found)
}

class EventRow extends NumberRow {
  readonly #found: EventEvidence

  constructor(found: EventEvidence) {
    super()
    this.#found = found
  }

  get length(): number {
    const { harm, proof, stepProof, unscored, calm } = this.#found
    const counts = unscored === undefined ? COUNTS : COUNTS + 2
    const starts = harm.reduce((sum, strata) => sum + lengthOf(strata), 0)
    return counts + starts + lengthOf(proof) + lengthOf(stepProof) + lengthOfCalm(calm)
  }

  writeTo(writer: NumberWriter): void {
    const { foldedThrough, step, sup, unscored, harm, proof, stepProof, calm } = this.#found
    const { trials, events, stepTrials, stepEvents } = this.#found
    writer.number(foldedThrough)
    writer.number(step)
    writePair(writer, trials)
    writePair(writer, events)
    writePair(writer, stepTrials)
    writePair(writer, stepEvents)
    writer.number(sup.harm)
    writer.number(sup.proof)
    writer.number(sup.stepProof)
    writer.number(unscored === undefined ? 0 : 1)
    if (unscored !== undefined) writePair(writer, unscored)
    writer.number(harm.length)
    for (const strata of harm) writeStrata(writer, strata)
    writeStrata(writer, proof)
    writeStrata(writer, stepProof)
    if (calm === undefined) return
    writeStrata(writer, calm.proof)
    writeStrata(writer, calm.stepProof)
    // An older version has said no more.
    if (calm.baseline === undefined) return
    writer.number(calm.isWhole === true ? 1 : 0)
    writePair(writer, calm.baseline)
    if (calm.doubted === undefined) return
    const { scores, outageUnits, baseline } = calm.doubted
    writePair(writer, scores)
    writer.number(outageUnits ?? NOT_KNOWN)
    writePair(writer, baseline)
    writeStrata(writer, calm.doubted.proof)
    writeStrata(writer, calm.doubted.stepProof)
  }
}

/** Of cohorts that are no outage yet, in place of its length. */
const NOT_KNOWN = -1

function lengthOfCalm(calm: EventEvidence['calm']): number {
  if (calm === undefined) return 0
  const { proof, stepProof, baseline, doubted } = calm
  const strata = lengthOf(proof) + lengthOf(stepProof)
  if (baseline === undefined) return strata
  if (doubted === undefined) return strata + 3
  return strata + 3 + 5 + lengthOf(doubted.proof) + lengthOf(doubted.stepProof)
}

/** Numbers of a row beside its strata and what is unscored. */
const COUNTS = 15

function lengthOf(strata: readonly EventStratum[]): number {
  return 1 + 4 * strata.length
}

function writePair(writer: NumberWriter, pair: readonly [number, number]): void {
  writer.number(pair[0])
  writer.number(pair[1])
}

function writeStrata(writer: NumberWriter, strata: readonly EventStratum[]): void {
  writer.number(strata.length)
  for (const { pi, baseline, canary, trials } of strata) {
    writer.number(pi)
    writer.number(baseline)
    writer.number(canary)
    writer.number(trials)
  }
}

function unpack(row: readonly number[]): EventEvidence {
  let at = 0
  const next = () => row[at++]!
  const pair = (): Pair => [next(), next()]
  const strata = (): readonly EventStratum[] =>
    Array.from({ length: next() }, () => ({
      ...{ pi: next(), baseline: next(), canary: next(), trials: next() },
    }))
  const [foldedThrough, step] = pair()
  const [trials, events, stepTrials, stepEvents] = [pair(), pair(), pair(), pair()]
  const sup = { harm: next(), proof: next(), stepProof: next() }
  const unscored = next() === 1 ? { unscored: pair() } : undefined
  const harm = Array.from({ length: next() }, strata)
  const [proof, stepProof] = [strata(), strata()]
  const isOver = () => at === row.length
  const orNull = (value: number) => (value === NOT_KNOWN ? null : value)
  const doubted = () => ({
    ...{ scores: pair(), outageUnits: orNull(next()), baseline: pair() },
    ...{ proof: strata(), stepProof: strata() },
  })
  const calm = (): EventEvidence['calm'] => {
    const proofs = { proof: strata(), stepProof: strata() }
    if (isOver()) return proofs
    const isWhole = next() === 1
    const known = { ...proofs, isWhole, baseline: pair() }
    return isOver() ? known : { ...known, doubted: doubted() }
  }
  const ofCalm = isOver() ? undefined : { calm: calm()! }
  const counts = { trials, events, stepTrials, stepEvents }
  return {
    kind: 'event',
    ...{ foldedThrough, step, harm, proof, stepProof },
    ...{ ...counts, sup, ...unscored, ...ofCalm },
  }
}
