/** Cells of a page at most, as a power of two: to move them takes some ten microseconds. */
const PAGE_BITS = 12
const MOST_CELLS = 2 ** PAGE_BITS
const FIRST_CELLS = 8

/** The part of a page's cells that may be taken: beyond, looking for a unit takes long. */
const FILL = 0.75

/** Bits that tell pages apart, at most: eight million units have room so; a page beyond grows instead. */
const MOST_DEPTH = 12

const EMPTY = -1

type Page = {
  /** Of each cell the unit, or EMPTY, and behind it what else the table keeps of it. */
  readonly numbers: Float64Array
  /** A power of two. */
  readonly cells: number
  /** Units are in it whose bits behind those of the cell are the same, so many of them. */
  readonly depth: number
  taken: number
}

/**
 * Units (`unitHash`: integers from 0 to 2⁵³, spread evenly) and what is kept of them, where there may be
 * millions. A `Set` would do, but for how it grows: it moves all that it holds at once, which stops everything for 90 ms
 * at half a million units, and each unit is an object for the collector besides. Here a page that is full becomes two
 * (extendible hashing: Fagin, Nievergelt, Pippenger & Strong, "Extendible Hashing", TODS 1979; open addressing
 * within), and no other one is touched.
 */
export abstract class UnitTable {
  readonly #width: number
  /** By the bits that tell pages apart; a page of less depth stands in several places. */
  #pages: Page[]
  #size = 0

  /** `width`: numbers of a cell, the unit's included. */
  constructor(width: number) {
    this.#width = width
    this.#pages = [this.#newPage(FIRST_CELLS, 0)]
  }

  /** How many units there are. */
  get size(): number {
    return this.#size
  }

  /** All units, in no order. */
  *[Symbol.iterator](): Iterator<number> {
    for (const page of new Set(this.#pages)) yield* unitsOf(page, this.#width)
  }

  /** The numbers that a unit's cell is among. */
  protected numbersOf(unit: number): Float64Array {
    return this.#pageOf(unit).numbers
  }

  /** Where the cell of a unit begins in them; -1 = it is not there. */
  protected find(unit: number): number {
    const page = this.#pageOf(unit)
    const at = placeIn(page, unit, this.#width)
    return page.numbers[at] === unit ? at : -1
  }

  /** The same, and the unit is there from now on. */
  protected claim(unit: number): number {
    let page = this.#pageOf(unit)
    let at = placeIn(page, unit, this.#width)
    if (page.numbers[at] === unit) return at
    while (page.taken >= page.cells * FILL) {
      this.#extend(page, unit)
      page = this.#pageOf(unit)
      at = placeIn(page, unit, this.#width)
    }
    page.numbers[at] = unit
    page.taken += 1
    this.#size += 1
    return at
  }

  #pageOf(unit: number): Page {
    return this.#pages[(hashOf(unit) >>> PAGE_BITS) & (this.#pages.length - 1)]!
  }

  #extend(page: Page, unit: number): void {
    if (page.cells < MOST_CELLS || page.depth === MOST_DEPTH) {
      this.#replace(page, unit, [this.#newPage(2 * page.cells, page.depth)])
      return
    }
    if (this.#pages.length === 2 ** page.depth) this.#pages = [...this.#pages, ...this.#pages]
    const [one, two] = [0, 1].map(() => this.#newPage(MOST_CELLS, page.depth + 1))
    this.#replace(page, unit, [one!, two!])
  }

  /** Puts one page or two in the place of the one that `unit` belongs to, with all that is in it. */
  #replace(page: Page, unit: number, by: readonly Page[]): void {
    const first = (hashOf(unit) >>> PAGE_BITS) & (2 ** page.depth - 1)
    for (let at = first; at < this.#pages.length; at += 2 ** page.depth) {
      this.#pages[at] = by[(at >>> page.depth) & (by.length - 1)]!
    }
    const width = this.#width
    for (let from = 0; from < page.numbers.length; from += width) {
      const moved = page.numbers[from]!
      if (moved === EMPTY) continue
      const to = this.#pageOf(moved)
      const at = placeIn(to, moved, width)
      for (let n = 0; n < width; n += 1) to.numbers[at + n] = page.numbers[from + n]!
      to.taken += 1
    }
  }

  #newPage(cells: number, depth: number): Page {
    return { numbers: new Float64Array(cells * this.#width).fill(EMPTY), cells, depth, taken: 0 }
  }
}

/**
 * 32 bits of all 53: whoever makes up keys may make their lowest bits alike. In a page that splits, keys that only meet
 * in its cells are 3,072 at most.
 */
function hashOf(unit: number): number {
  const high = (unit / 0x1_0000_0000) | 0
  const mixed = Math.imul((unit | 0) ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1)
  return mixed ^ (mixed >>> 15)
}

/** Where the cell of a unit begins, or would begin. */
function placeIn({ numbers, cells }: Page, unit: number, width: number): number {
  let cell = hashOf(unit) & (cells - 1)
  for (;;) {
    const found = numbers[cell * width]
    if (found === unit || found === EMPTY) return cell * width
    cell = (cell + 1) & (cells - 1)
  }
}

function* unitsOf({ numbers }: Page, width: number): Iterable<number> {
  for (let at = 0; at < numbers.length; at += width) {
    if (numbers[at] !== EMPTY) yield numbers[at]!
  }
}
