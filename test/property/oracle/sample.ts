import type { LatencyTerms } from '../../../src/domain/cohort.ts'
import type { Stratum } from './formulas.ts'
import type { Frame, History, Request } from './history.ts'
import type { Asked } from './questions.ts'

/** What a judged unit has, of a question. */
export type Value = { readonly side: 0 | 1; readonly y: number; readonly endsAt: number }

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

  /** Units drawn in a cohort: [baseline, canary]. */
  units(frame: Frame): readonly [number, number] {
    const sides = this.#requests(frame, null).filter((request) => this.#firsts.has(request))
    const canary = sides.filter(({ side }) => side === 1).length
    return [sides.length - canary, canary]
  }

  /** What the units of a cohort have, each once; of events 1 or 0. */
  values(asked: Asked, frame: Frame): readonly Value[] {
    const name = `${asked.id} ${frame.number}`
    const known = this.#values.get(name) ?? this.#read(asked, frame)
    this.#values.set(name, known)
    return known
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
        const event = asked.event!(request, true, thresholds(asked, frame))
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

  #read(asked: Asked, frame: Frame): readonly Value[] {
    const firsts = this.#requests(frame, asked).filter((request) => this.#firsts.has(request))
    return firsts.flatMap((request) => {
      const y =
        asked.value?.(request) ?? asked.event?.(request, false, thresholds(asked, frame)) ?? null
      return y === null ? [] : [{ side: request.side, y: Number(y), endsAt: request.endsAt }]
    })
  }

  #requests({ number }: Frame, asked: Asked | null): readonly Request[] {
    const all = this.#byCohort.get(number)!
    const segment = asked?.segment ?? null
    return segment === null ? all : all.filter((request) => request.segment === segment)
  }
}

function thresholds({ id }: Asked, { terms }: Frame): LatencyTerms | null {
  return terms.thresholds[id] ?? null
}

function stratumOf(strata: Map<number, Stratum>, pi: number): Stratum {
  const stratum = strata.get(pi) ?? { pi, units: [0, 0], events: [0, 0] }
  strata.set(pi, stratum)
  return stratum
}
