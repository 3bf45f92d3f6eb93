import type { Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'

/**
 * The margins and floors that may change within an attempt, as one text: those of what is counted (failures, conversions),
 * since other bets are made for one margin alone. The largest evidence so far is one under these.
 */
export function changeableMargins(hypotheses: readonly Hypothesis[]): string {
  return JSON.stringify(
    hypotheses.flatMap(({ id, source, harm, proof }): readonly Margins[] =>
      source.of === 'failure' || source.of === 'conversion'
        ? [[id, harm.ratio, proof?.ratio ?? null, proof?.floor ?? null]]
        : [],
    ),
  )
}

type Margins = readonly [
  ...[hypothesis: string, harm: number],
  ...[proof: number | null, floor: number | null],
]

/**
 * The evidence under other margins of the same questions: what was the largest evidence under another margin says
 * nothing under this one. `before` and `after` as `changeableMargins` writes them; `before` undefined = not known, so that
 * all of them may have been others.
 */
export function forgetChangedMargins(
  evidence: Evidence,
  before: string | undefined,
  after: string,
): Evidence {
  if (before === after) return evidence
  const known = new Set(parse(before ?? '[]').map((margins) => JSON.stringify(margins)))
  const changed = parse(after).filter((margins) => !known.has(JSON.stringify(margins)))
  if (changed.length === 0) return evidence
  const hypotheses = { ...evidence.hypotheses }
  const { pairs } = evidence
  const sup = { ...pairs?.sup }
  for (const [id] of changed) {
    // Pairs of mirror steps are asked the same.
    delete sup[`${id}/mirror`]
    const found = hypotheses[id]
    if (found === undefined) continue
    hypotheses[id] = { ...found, sup: { harm: 0, proof: 0, stepProof: 0 } }
  }
  const ofPairs = pairs === undefined ? undefined : { pairs: { ...pairs, sup } }
  return { ...evidence, hypotheses, ...ofPairs }
}

function parse(margins: string): readonly Margins[] {
  return JSON.parse(margins) as readonly Margins[]
}
