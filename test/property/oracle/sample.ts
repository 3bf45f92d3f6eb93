import type { LatencyTerms } from '../../../src/domain/cohort.ts'
import type { Stratum } from './formulas.ts'
import type { Folded, Frame, History, Request } from './history.ts'
import type { Asked } from './questions.ts'

/** What a judged unit has, of a question; of a ratio `y` in the numerator, and `d` in the denominator. */
export type Value = {
  readonly side: 0 | 1
  readonly y: number
  readonly d: number
  readonly endsAt: number
}

/** Which requests of a history are judged, and what they say to each question. */
export class Sample {
  readonly history: History
  /** Cohorts that are no warm-up, in their order. */
  readonly frames: readonly Frame[]
  readonly #keyed: boolean
  /** Each request without a key, and of each key the first one in a judged cohort. */
  readonly #firsts = new Set<Request>()
  readonly #byCohort = new Map<number, Request[]>()
  readonly #values = new Map<string, readonly Value[]>()
  readonly #foldedFrom = new Map<string, readonly (readonly [at: number, cohort: number])[]>()

  /** `agreed`: several gateways agree in the store on which request of a key is judged. */
  constructor(history: History, keyed: boolean, agreed: boolean) {
    this.history = history
    this.#keyed = keyed
    this.frames = history.frames.filter(({ judged }) => judged)
    for (const { number } of this.frames) this.#byCohort.set(number, [])
    const seen = new Set<number>()
    for (const request of history.requests) {
      const { cohort, key } = request
      const all = cohort === null ? undefined : this.#byCohort.get(cohort)
      if (all === undefined) continue
      all.push(request)
      if (key !== null && (agreed ? !request.isFirst() : seen.has(key))) continue
      if (key !== null && seen.has(key)) throw new Error(`key ${key} is judged twice`)
      if (key !== null) seen.add(key)
      this.#firsts.add(request)
    }
  }

  /** The judged cohorts up to one. */
  through(cohort: number): readonly Frame[] {
    return this.frames.filter(({ number }) => number <= cohort)
  }

  /** What was folded when a cohort opened: a turn opens the next one before it folds, a decision after it. */
  foldedBefore({ openedAt, closedAt }: Frame): Folded {
    const { foldedAt, decidedAt } = this.history
    // What was closed as it opened was the turn's, before that decision.
    const isDecided = decidedAt.has(openedAt) && closedAt !== openedAt
    const isKnown = (at: number) => at < openedAt || (isDecided && at === openedAt)
    return foldedAt.get(Math.max(...[...foldedAt.keys()].filter(isKnown))) ?? {}
  }

  /** Units drawn in a cohort: [baseline, canary]. */
  units(frame: Frame): readonly [number, number] {
    const sides = this.#requests(frame, null).filter((request) => this.#firsts.has(request))
    const canary = sides.filter(({ side }) => side === 1).length
    return [sides.length - canary, canary]
  }

  /** What the units of a cohort have, each once; of events 1 or 0. */
  values(asked: Asked, frame: Frame): readonly Value[] {
    const name = `${asked.id} ${asked.judgedFrom} ${frame.number}`
    const known = this.#values.get(name) ?? this.#read(asked, frame)
    this.#values.set(name, known)
    return known
  }

  /** What all units had by a moment, of what the process that decided then had heard. */
  toldUntil(asked: Asked, now: number): readonly Value[] {
    const { restartedAt } = this.history
    const since = restartedAt !== null && restartedAt <= now ? restartedAt : 0
    const isHeard = (at: number) => since <= at && at <= now
    return this.frames.flatMap((frame) =>
      this.#read(asked, frame, (request) => {
        const told = this.#toldOf(asked, request)
        const label = isHeard(told.labelAt) ? told.label : null
        return { ...told, label, events: told.events.filter(({ toldAt }) => isHeard(toldAt)) }
      }),
    )
  }

  /** The requests that units are judged by, with what came of them in time. */
  firsts(
    asked: Asked,
    frame: Frame,
    told = (request: Request) => this.#toldOf(asked, request),
  ): readonly Request[] {
    const all = this.#requests(frame, asked)
    return all.filter((request) => this.#firsts.has(request)).map(told)
  }

  /** Units and their events by weight, each unit once. */
  strata(asked: Asked, frames: readonly Frame[]): readonly Stratum[] {
    const strata = new Map<number, Stratum>()
    for (const frame of frames) {
      const stratum = stratumOf(strata, frame.pi)
      for (const { side, y } of this.values(asked, frame)) {
        stratum.units[side] += 1
        stratum.events[side] += y
      }
    }
    return [...strata.values()]
  }

  /** The same of harm: an outcome counts for a key the first time that it happens, whichever of its requests has it. */
  harmStrata(asked: Asked, frames: readonly Frame[]): readonly Stratum[] {
    const strata = new Map<number, Stratum>()
    const seen = new Set<number>()
    for (const frame of frames) {
      const stratum = stratumOf(strata, frame.pi)
      for (const request of this.#requests(frame, asked)) {
        const { side, key } = request
        const isFirst = this.#firsts.has(request)
        const event = asked.event!(this.#toldOf(asked, request), true, thresholds(asked, frame))
        if (isFirst && event !== null) stratum.units[side] += 1
        if (event !== true) continue
        if (key !== null && this.#keyed && asked.isOutcome === true) {
          if (seen.has(key)) continue
          seen.add(key)
        } else if (!isFirst) continue
        stratum.events[side] += 1
      }
    }
    return [...strata.values()]
  }

  #read(asked: Asked, frame: Frame, told?: (request: Request) => Request): readonly Value[] {
    return this.firsts(asked, frame, told).flatMap((request) => {
      const y =
        asked.value?.(request) ?? asked.event?.(request, false, thresholds(asked, frame)) ?? null
      const d = asked.denominator?.(request) ?? 1
      return y === null ? [] : [{ side: request.side, y: Number(y), d, endsAt: request.endsAt }]
    })
  }

  /** A request with the label and the events that came before its cohort was folded for a question, each within its window. */
  #toldOf(asked: Asked, request: Request): Request {
    if (asked.windowMs === 0 || (request.label === null && request.events.length === 0))
      return request
    const foldedAt = this.#foldedAt(asked, request.cohort!)
    const isInTime = ({ at, toldAt }: Request['events'][number]) =>
      at <= request.at + asked.windowMs && toldAt <= foldedAt
    const label = request.labelAt <= foldedAt ? request.label : null
    return { ...request, label, events: request.events.filter(isInTime) }
  }

  #foldedAt({ id }: Asked, cohort: number): number {
    const known = this.#foldedFrom.get(id) ?? foldsOf(this.history, id)
    this.#foldedFrom.set(id, known)
    return known.find(([, through]) => through >= cohort)?.[0] ?? Infinity
  }

  #requests({ number }: Frame, asked: Asked | null): readonly Request[] {
    if (number < (asked?.judgedFrom ?? 0)) return []
    const all = this.#byCohort.get(number)!
    const segment = asked?.segment ?? null
    return segment === null ? all : all.filter((request) => request.segment === segment)
  }
}

/** When a question was folded further, and how far. */
function foldsOf({ foldedAt }: History, id: string): readonly (readonly [number, number])[] {
  return [...foldedAt].map(([at, folded]) => [at, folded[id] ?? -1])
}

function thresholds({ id }: Asked, { terms }: Frame): LatencyTerms | null {
  return terms.thresholds[id] ?? null
}

function stratumOf(strata: Map<number, Stratum>, pi: number): Stratum {
  const stratum = strata.get(pi) ?? { pi, units: [0, 0], events: [0, 0] }
  strata.set(pi, stratum)
  return stratum
}
