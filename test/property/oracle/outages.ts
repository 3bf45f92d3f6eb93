import type { Frame } from './history.ts'

/** What the baseline has in a cohort: its units, and how bad they were, each from 0 to 1. */
type Bad = readonly [units: number, bad: number]

const OUTAGE = Math.log(10_000)
const LIKELY = Math.log(10)

/** The cohorts that are in no outage of the baseline, nor in what may be one: as docs/statistics.md has it. */
export function withoutOutages(
  frames: readonly Frame[],
  {
    badOf,
    isBetOn,
  }: {
    readonly badOf: (frame: Frame) => Bad
    readonly isBetOn: (frame: Frame) => boolean
  },
): readonly Frame[] {
  let counted: Frame[] = []
  let waiting: Frame[] = []
  let scores = [0, 0]
  let since: number | null = null
  for (const frame of frames) {
    if (!isBetOn(frame)) {
      counted = [...counted, frame]
      continue
    }
    const now = badOf(frame)
    const usual = sum((since === null ? [...counted, ...waiting] : counted).map(badOf))
    const share = Math.min(1, (usual[1] + 1) / (usual[0] + 1))
    scores = [3, 30].map((odds, i) => {
      const t = 1 + (odds - 1) * share
      const log = now[1] * Math.log(odds / t) - (now[0] - now[1]) * Math.log(t)
      return Math.min(OUTAGE, Math.max(0, scores[i]! + log))
    })
    const score = Math.max(...scores)
    if (score >= OUTAGE) since = since === null ? 0 : since + now[0]
    const length: number = since ?? sum([...waiting, frame].map(badOf))[0]
    const isUsual = length > sum(counted.map(badOf))[0]
    const isDoubted = score > 0 && (waiting.length > 0 || score >= LIKELY)
    if (isDoubted && !isUsual) {
      waiting.push(frame)
      continue
    }
    if (since === null || isUsual) counted = [...counted, ...waiting, frame]
    if (score === 0 || isUsual || since !== null) [scores, since] = [[0, 0], null]
    waiting = []
  }
  return counted
}

function sum(all: readonly Bad[]): Bad {
  return [all.reduce((n, [units]) => n + units, 0), all.reduce((n, [, bad]) => n + bad, 0)]
}
