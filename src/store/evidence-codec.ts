import type { Pair } from '../domain/cohort.ts'
import type {
  EventEvidence,
  EventStratum,
  Evidence,
  HypothesisEvidence,
} from '../domain/evidence.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'

/**
 * Evidence whose counted events are rows of numbers: it is written for each service at each tick, and names would be
 * most of it. Order: cohort and step · trials · events · those of the step · suprema (harm, proof, of the step) · 1 and
 * the unscored, or 0 · of how many start points · strata of each, of the proof, of the step's. Strata: how many · of
 * each weight, baseline, canary, trials. Pairs: baseline, canary.
 */
type PackedEvidence = Omit<Evidence, 'hypotheses'> & {
  readonly hypotheses: Readonly<Record<string, HypothesisEvidence | readonly number[]>>
}

/** Encodes evidence so that it comes back equal to the bit. Throws as `encodeRecord` does. */
export function encodeEvidence(evidence: Evidence): Buffer {
  const hypotheses: Record<string, HypothesisEvidence | readonly number[]> = {}
  for (const id in evidence.hypotheses) {
    const found = evidence.hypotheses[id]!
    hypotheses[id] = found.kind === 'event' ? pack(found) : found
  }
  const packed: PackedEvidence = { ...evidence, hypotheses }
  return encodeRecord(packed)
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

function pack(found: EventEvidence): readonly number[] {
  const { trials, events, stepTrials, stepEvents, sup, unscored } = found
  const row = [found.foldedThrough, found.step, trials[0], trials[1], events[0], events[1]]
  row.push(stepTrials[0], stepTrials[1], stepEvents[0], stepEvents[1])
  row.push(sup.harm, sup.proof, sup.stepProof)
  if (unscored === undefined) row.push(0)
  else row.push(1, unscored[0], unscored[1])
  row.push(found.harm.length)
  for (const strata of found.harm) packStrata(row, strata)
  packStrata(row, found.proof)
  packStrata(row, found.stepProof)
  return row
}

function packStrata(row: number[], strata: readonly EventStratum[]): void {
  row.push(strata.length)
  for (const { pi, baseline, canary, trials } of strata) row.push(pi, baseline, canary, trials)
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
  const counts = { trials, events, stepTrials, stepEvents }
  return {
    kind: 'event',
    ...{ foldedThrough, step, harm, proof, stepProof },
    ...{ ...counts, sup, ...unscored },
  }
}
