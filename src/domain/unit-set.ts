import { UnitTable } from './unit-table.ts'

/** A set of units that may be millions; see UnitTable. */
export class UnitSet extends UnitTable {
  constructor() {
    super(1)
  }

  has(unit: number): boolean {
    return this.find(unit) !== -1
  }

  add(unit: number): void {
    this.claim(unit)
  }
}
