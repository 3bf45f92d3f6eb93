import { UnitTable } from './unit-table.ts'

/** A number for each of what may be millions of units; see UnitTable. */
export class UnitMap extends UnitTable {
  constructor() {
    super(2)
  }

  get(unit: number): number | undefined {
    const at = this.find(unit)
    return at === -1 ? undefined : this.numbersOf(unit)[at + 1]
  }

  set(unit: number, value: number): void {
    const at = this.claim(unit)
    this.numbersOf(unit)[at + 1] = value
  }
}
