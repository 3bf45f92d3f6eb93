import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { questionsOf } from './questions.ts'
import type { Sample } from './sample.ts'

/** A cap, and the first cohort that is judged by it. */
export type LearntCap = { readonly cap: number; readonly from: number }

/** By the metric's name. */
export type LearntCaps = Readonly<Record<string, LearntCap>>

const NONE: LearntCap = { cap: Infinity, from: 0 }

/** The caps of metrics that have none: the 99.9 % quantile of the baseline's first values as they come, of a sum of those above 0. */
export function learnCaps(sample: Sample, metrics: readonly MetricSpec[]): LearntCaps {
  const learning = metrics.filter((metric) => 'cap' in metric && metric.cap === null)
  const raw = questionsOf(learning, Object.fromEntries(learning.map(({ name }) => [name, NONE])))
  return Object.fromEntries(
    learning.map((metric) => {
      const asked = raw.find(({ id }) => id === metric.name)!
      const least = Math.max(1000, 'minLabels' in metric ? metric.minLabels : 0)
      for (const { now, from } of momentsOf(sample)) {
        const ys = sample
          .toldUntil(asked, now)
          .filter(({ side, y }) => side === 0 && (metric.kind !== 'sum' || y > 0))
          .map(({ y }) => (metric.kind === 'rmse' ? Math.sqrt(y) : y))
        if (ys.length < least) continue
        const cap = ys.toSorted((a, b) => a - b)[Math.ceil(0.999 * ys.length) - 1]!
        return [metric.name, { cap, from }]
      }
      return [metric.name, { cap: Infinity, from: Infinity }]
    }),
  )
}

/** When it is asked what is known, and the first cohort that is judged by it. A process that ends has cohorts that no request is in. */
function momentsOf({ frames, history: { restartedAt } }: Sample) {
  const opened = frames.map(({ openedAt, number }) => ({ now: openedAt, from: number }))
  const next = restartedAt === null ? -1 : opened.findIndex(({ now }) => now >= restartedAt)
  if (next === -1) return opened
  const ended = { now: restartedAt! - 1, from: opened[next]!.from }
  return opened.toSpliced(next, 0, ended)
}
