import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { edgesOf, Watched } from './drift.ts'
import type { History, Request } from './history.ts'
import type { Asked } from './questions.ts'
import { Sample } from './sample.ts'
import type { Seen } from './world.ts'

/** Compares two, and notes where they differ. */
export type Hold = (what: string, of: string, at: number, oracle: unknown, product: unknown) => void

type DriftMetric = Extract<MetricSpec, { kind: 'drift' }>

/** Evidence of a shift from which it is flagged, where its size is as large as this. */
const [FLAG_LOG, FLAG_PSI] = [Math.log(100), 0.1]

/** Holds what is shown of watched numbers against docs/drift.md. */
export class DriftComparison {
  readonly #sample: Sample
  readonly #watched: readonly {
    readonly metric: DriftMetric
    readonly asked: Asked
    readonly numbers: Watched
  }[]

  constructor(
    metrics: readonly MetricSpec[],
    history: History,
    { keyed, agreed }: { readonly keyed: boolean; readonly agreed: boolean },
  ) {
    const sample = new Sample(history, keyed, agreed)
    this.#sample = sample
    this.#watched = metrics.flatMap((metric) => {
      if (metric.kind !== 'drift') return []
      const asked = askedOf(metric)
      return [{ metric, asked, numbers: new Watched(sample, asked) }]
    })
  }

  /** `isAlone`: one gateway alone has read the first values, in the order of its answers. */
  bins(hold: Hold, isAlone: boolean): void {
    for (const { metric, asked, numbers } of this.#watched) {
      const known = this.#sample.frames.find(({ terms }) => terms.bins?.[asked.id] !== undefined)
      if (known === undefined || !isAlone) continue
      const edges = edgesOf(numbers.first(metric.of === 'prediction' ? 'answer' : 'request'))
      hold('bins', asked.id, known.openedAt, edges, known.terms.bins![asked.id])
    }
  }

  reports({ at, folded, metrics }: Seen, hold: Hold): void {
    for (const { metric, asked, numbers } of this.#watched) {
      const { harm, drift, verdict } = metrics!.find(({ name }) => name === asked.id)!
      const shift = numbers.shift(folded[asked.id]!)
      hold('shift', asked.id, at, numbers.log(folded[asked.id]!), harm!.log)
      const size = shift && [shift.psi, shift.ks, shift.w1, ...shift.shares.flat()]
      const shown = drift && [drift.psi, drift.ks, drift.w1, ...drift.baseline, ...drift.canary]
      if (drift !== null || shift !== null) hold('size of a shift', asked.id, at, size, shown)
      const oracle = this.#isFlagged(metric, folded[asked.id]!) ? 'failed' : 'inconclusive'
      hold('verdict of a shift', asked.id, at, oracle, verdict)
    }
  }

  /** Whether a flag asks for it. */
  asks(onFailure: 'pause' | 'rollback', { folded }: Seen): boolean {
    const asking = this.#watched.filter(({ metric }) => metric.onFailure === onFailure)
    return asking.some(({ metric }) => this.#isFlagged(metric, folded[metric.name]!))
  }

  #isFlagged({ name }: DriftMetric, through: number): boolean {
    const { numbers } = this.#watched.find(({ asked }) => asked.id === name)!
    const shift = numbers.shift(through)
    return shift !== null && shift.log >= FLAG_LOG && shift.psi >= FLAG_PSI
  }
}

function askedOf({ name, of }: DriftMetric): Asked {
  const value =
    of === 'prediction'
      ? ({ observed, prediction }: Request) => (observed ? prediction : null)
      : ({ number }: Request) => number
  return {
    ...{ id: name, kind: 'drift', segment: null, better: 'lower', required: false },
    ...{ isServed: false, isOnlyShown: false },
    ...{ harmRatio: 1, proofRatio: null, floor: 0, windowMs: 0, value },
  }
}
