import type { Asked } from './questions.ts'
import type { Sample } from './sample.ts'

/** Whether more than 2 % of the baseline's values are above a cap that was learnt, in the attempt or in its step. */
export function isPassedCap(sample: Sample, asked: Asked, through: number): boolean {
  if (asked.isAboveLearnt !== true) return false
  const all = sample.through(through)
  const own = all.filter(({ step }) => step === all.at(-1)!.step)
  return [all, own].some((frames) => {
    const values = frames.flatMap((frame) => sample.values(asked, frame))
    const baseline = values.filter(({ side }) => side === 0)
    const above = baseline.filter(({ y }) => y > 0)
    return above.length > 0.02 * baseline.length
  })
}

/** Whether more than 5 % of the labels that came for a metric cannot be scored by it. */
export function isUnscored(sample: Sample, asked: Asked, through: number): boolean {
  const { isUnscored } = asked
  if (isUnscored === undefined) return false
  const told = sample.through(through).flatMap((frame) => sample.firsts(asked, frame))
  const labelled = told.filter(
    ({ observed, label, prediction }) => observed && label !== null && prediction !== null,
  )
  return labelled.filter(isUnscored).length > 0.05 * labelled.length
}
