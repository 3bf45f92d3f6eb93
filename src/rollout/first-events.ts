import { UnitMap } from '../domain/unit-map.ts'
import type { HarmSince } from './fold-cohort.ts'

/** At which start point each key of an attempt had its last event, by hypothesis: tells first ones from later ones. */
export class FirstEvents {
  readonly #last = new Map<string, UnitMap>()

  /**
   * For every key with an event in a cohort of `epoch`: the first start point since which this is its
   * first event. Keys whose last event is of this epoch already are left out: they add nothing.
   */
  readonly harmSince: HarmSince = (hypothesis, epoch, units) => {
    const last = this.#lastOf(hypothesis)
    return [sinceOf(last, epoch, units[0]), sinceOf(last, epoch, units[1])]
  }

  /** Takes back what a stored cohort said about keys; in cohort order. */
  restore(hypothesis: string, epoch: number, units: readonly number[]): void {
    const last = this.#lastOf(hypothesis)
    for (const unit of units) last.set(unit, epoch)
  }

  #lastOf(hypothesis: string): UnitMap {
    let last = this.#last.get(hypothesis)
    if (last === undefined) this.#last.set(hypothesis, (last = new UnitMap()))
    return last
  }
}

function sinceOf(last: UnitMap, epoch: number, units: readonly number[]): number[] {
  const since: number[] = []
  for (const unit of units) {
    const before = last.get(unit) ?? -1
    if (before >= epoch) continue
    last.set(unit, epoch)
    since.push(before + 1)
  }
  return since
}
