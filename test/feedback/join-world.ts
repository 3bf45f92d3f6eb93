import type { Prediction } from '../../src/domain/prediction.ts'
import { createLabelJoin } from '../../src/feedback/join.ts'
import type { ChangedCohort, LabelJoinDeps, LabelMatch, Mark } from '../../src/feedback/join.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'
import { SERVICE } from '../store/samples.ts'

/** A join with a store in memory that behaves as the real one does. */
export function makeWorld(predictions: Prediction[], change: Partial<LabelJoinDeps> = {}) {
  const booked: { prediction: Prediction; label: number; now: number }[] = []
  const commits: { joined: readonly Mark[]; cohorts: readonly ChangedCohort[] }[] = []
  const counts: Record<string, number> = {}
  const marked = new Set<Prediction>()
  const toMatch = (prediction: Prediction): LabelMatch => ({
    found: marked.has(prediction) ? 'joined' : 'pending',
    prediction,
  })
  const world = { predictions, booked, commits, counts, failWith: null as Error | null }
  const deps: { -readonly [Key in keyof LabelJoinDeps]: LabelJoinDeps[Key] } = {
    services: () => [SERVICE, 'other'],
    buffer: { find: () => [], flush: async () => {} },
    store: {
      findPredictions: async (queries) =>
        queries.map(({ service, requestId }) => {
          const matches = predictions.filter(
            (prediction) =>
              prediction.requestId === requestId &&
              (service === null || prediction.service === service),
          )
          if (matches.length > 1) {
            return { found: 'ambiguous', services: matches.map((match) => match.service) }
          }
          return matches[0] === undefined ? { found: 'none' } : toMatch(matches[0])
        }),
      commitLabels: async (joined, cohorts) => {
        if (world.failWith !== null) throw world.failWith
        commits.push({ joined: [...joined], cohorts })
        for (const { prediction } of joined) marked.add(prediction)
      },
    },
    book: (prediction, label, now) => {
      booked.push({ prediction, label, now })
      return change.book?.(prediction, label, now) ?? { result: 'joined', changed: [] }
    },
    clock: { now: () => 5000 },
    count: (service, result, lines) => {
      const key = `${service} ${result}`
      counts[key] = (counts[key] ?? 0) + lines
    },
  }
  const { book: _, ...others } = change
  Object.assign(deps, others)
  const join = createLabelJoin({
    ...deps,
    buffer: {
      find: (service, requestId) => deps.buffer.find(service, requestId),
      flush: () => deps.buffer.flush(),
    },
  })
  return Object.assign(world, {
    deps,
    accept: (...lines: string[]) =>
      join.accept(parseFeedback(lines.join('\n'), 'application/x-ndjson')),
  })
}
