import type { Cohort } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { UnitBatch } from '../store/store.ts'

/** Folded cohorts that wait to be archived, at most. */
const MAX_UNARCHIVED = 1000

const NONE: readonly never[] = []

/** What folding has changed since it was stored last. */
export type CohortChanges = {
  /** With all of that in it. */
  readonly evidence: Evidence
  readonly put: readonly Cohort[]
  readonly drop: readonly number[]
  readonly units: readonly UnitBatch[]
  /** Folded by every hypothesis: nothing in them changes any more. */
  readonly archive: readonly Cohort[]
  readonly rollout: string
  /** What all of them were judged by. */
  readonly plan: RolloutPlan
}

/** Collects what has to be stored of an attempt's cohorts until the store has it. */
export class PendingChanges {
  readonly #put = new Map<number, Cohort>()
  #drop: readonly number[] = NONE
  #units: readonly UnitBatch[] = NONE
  #archive: readonly Cohort[] = NONE

  /** A settled cohort that some hypothesis has yet to fold. */
  put(cohort: Cohort): void {
    this.#put.set(cohort.number, cohort)
  }

  /** A cohort that every hypothesis has folded; `persisted`: the store may have it. */
  drop(number: number, persisted: boolean): void {
    this.#put.delete(number)
    if (persisted) this.#drop = [...this.#drop, number]
  }

  archive(cohort: Cohort): void {
    // While the store is away memory must not grow with what it cannot take.
    this.#archive = [...this.#archive.slice(1 - MAX_UNARCHIVED), cohort]
  }

  addUnits(batch: UnitBatch): void {
    this.#units = [...this.#units, batch]
  }

  /** All of it now; `stored` takes it off again. */
  read(): Pick<CohortChanges, 'put' | 'drop' | 'units' | 'archive'> {
    const put = this.#put.size === 0 ? NONE : [...this.#put.values()]
    return { put, drop: this.#drop, units: this.#units, archive: this.#archive }
  }

  /** The store has these changes. */
  stored(changes: CohortChanges): void {
    for (const cohort of changes.put) this.#put.delete(cohort.number)
    this.#drop = without(this.#drop, changes.drop)
    this.#units = without(this.#units, changes.units)
    this.#archive = without(this.#archive, changes.archive)
  }
}

function without<T>(all: readonly T[], gone: readonly T[]): readonly T[] {
  // Mostly nothing has come since.
  return all === gone ? NONE : all.filter((each) => !gone.includes(each))
}
