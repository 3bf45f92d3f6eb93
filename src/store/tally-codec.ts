import type {
  BetTally,
  Cohort,
  EventTally,
  Pair,
  RatioBins,
  Tally,
  ValueBins,
} from '../domain/cohort.ts'
import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import { BETWEEN, ZERO_BIN } from '../statistics/value-bins.ts'
import type { ChangedTallies } from './store.ts'

/** What tallies of feedback are stored as: a header in JSON, then their numbers in the order that it gives. */
type Header = {
  readonly rollout: string
  readonly tallies: readonly (readonly [id: string, kind: Tally['kind'], numbers: number])[]
}

/**
 * Encodes the tallies that feedback has changed. They are written for every slice of a batch and every
 * cohort that it reached, where the general encoding of a cohort would take most of the time.
 */
export function encodeTallies({ rollout, tallies }: ChangedTallies): Buffer {
  const numbers: number[] = []
  const header: Header = {
    rollout,
    tallies: Object.entries(tallies).map(([id, tally]) => {
      const before = numbers.length
      numbers.push(...numbersOf(tally))
      return [id, tally.kind, numbers.length - before]
    }),
  }
  const text = Buffer.from(JSON.stringify(header))
  const bytes = Buffer.allocUnsafe(4 + text.length + 8 * numbers.length)
  let at = bytes.writeUInt32LE(text.length, 0)
  at += text.copy(bytes, at)
  for (const number of numbers) at = bytes.writeDoubleLE(number, at)
  return bytes
}

/** What `encodeTallies` was given of a rollout and its tallies. */
export function decodeTallies(bytes: Buffer): Pick<ChangedTallies, 'rollout' | 'tallies'> {
  const length = bytes.readUInt32LE(0)
  const header = JSON.parse(bytes.toString('utf8', 4, 4 + length)) as Header
  let at = 4 + length
  const tallies: Record<string, Tally> = {}
  for (const [id, kind, count] of header.tallies) {
    const numbers = Array.from({ length: count }, (_, index) => bytes.readDoubleLE(at + 8 * index))
    at += 8 * count
    tallies[id] = kind === 'bet' ? toBets(numbers) : toEvents(numbers)
  }
  return { rollout: header.rollout, tallies }
}

function numbersOf(tally: Tally): readonly number[] {
  if (tally.kind === 'drift') throw new Error('feedback changes no tally of drift')
  return tally.kind === 'bet' ? betNumbers(tally) : eventNumbers(tally)
}

function eventNumbers({ trials, events, harmEvents, both }: EventTally): readonly number[] {
  return [...trials, ...events, ...harmEvents, ...(both ?? [])]
}

function toEvents(numbers: readonly number[]): EventTally {
  const [trials, events, harmEvents, both] = toPairs(numbers)
  return {
    kind: 'event',
    trials: trials!,
    events: events!,
    harmEvents: harmEvents!,
    harmUnits: null,
    ...(both === undefined ? {} : { both }),
  }
}

// How many bets there are and how long the bins are, then what is always there; the rest after the bins is
// the product of pairs, which is one number, or what a ratio has: the denominator, and the bins of both counts behind how
// long those of the baseline are. An older version reads the denominator, and nothing behind it.
function betNumbers(tally: BetTally): readonly number[] {
  const { n, sum, sumSq, harm, proof, bins, denominator, ratioBins, product } = tally
  const baseline = bins === undefined ? [] : binNumbers(bins[BASELINE_SIDE])
  const canary = bins === undefined ? [] : binNumbers(bins[CANARY_SIDE])
  const ofRatio =
    denominator === undefined
      ? []
      : [...denominator.sum, ...denominator.sumSq, ...denominator.cross, ...ratioNumbers(ratioBins)]
  const rest = product === undefined ? ofRatio : [product]
  // -1: there are none, as opposed to empty ones.
  const lengths = bins === undefined ? [-1, -1] : [baseline.length, canary.length]
  return [
    ...[harm.length, ...lengths, ...n, ...sum, ...sumSq, ...harm, ...proof],
    ...[...baseline, ...canary, ...rest],
  ]
}

function toBets(all: readonly number[]): BetTally {
  const [bets, baseline, canary] = [all[0]!, all[1]!, all[2]!]
  const numbers = all.slice(3)
  const [n, sum, sumSq] = toPairs(numbers.slice(0, 6))
  const binsAt = 6 + 2 * bets
  const middle = binsAt + Math.max(0, baseline)
  const end = middle + Math.max(0, canary)
  const rest = numbers.slice(end)
  const [denSum, denSumSq, cross] = rest.length === 1 ? [] : toPairs(rest.slice(0, 6))
  const ratioBins = toRatioBins(rest.slice(6))
  return {
    kind: 'bet',
    n: n!,
    sum: sum!,
    sumSq: sumSq!,
    ...(denSum === undefined
      ? {}
      : { denominator: { sum: denSum, sumSq: denSumSq!, cross: cross! } }),
    ...(ratioBins === undefined ? {} : { ratioBins }),
    ...(rest.length === 1 ? { product: rest[0]! } : {}),
    harm: numbers.slice(6, 6 + bets),
    proof: numbers.slice(6 + bets, binsAt),
    ...(baseline < 0
      ? {}
      : { bins: [toBins(numbers.slice(binsAt, middle)), toBins(numbers.slice(middle, end))] }),
  }
}

// The index of a bin is a number, or a word that stands for none.
function binNumbers(bins: ValueBins): readonly number[] {
  return Object.entries(bins).flatMap(([bin, [n, sum]]) => [Number(bin), n, sum])
}

function toBins(numbers: readonly number[]): ValueBins {
  const bins: ValueBins = {}
  for (let at = 0; at < numbers.length; at += 3) {
    const bin = numbers[at]!
    bins[Number.isNaN(bin) ? ZERO_BIN : String(bin)] = [numbers[at + 1]!, numbers[at + 2]!]
  }
  return bins
}

function ratioNumbers(bins: BetTally['ratioBins']): readonly number[] {
  if (bins === undefined) return []
  const of = (side: RatioBins) =>
    Object.entries(side).flatMap(([bin, sums]) => [...bin.split(BETWEEN).map(Number), ...sums])
  const baseline = of(bins[BASELINE_SIDE])
  return [baseline.length, ...baseline, ...of(bins[CANARY_SIDE])]
}

function toRatioBins(numbers: readonly number[]): BetTally['ratioBins'] {
  const [length, ...all] = numbers
  if (length === undefined) return undefined
  const wordOf = (index: number) => (Number.isNaN(index) ? ZERO_BIN : String(index))
  const of = (side: readonly number[]) => {
    const bins: RatioBins = {}
    for (let at = 0; at < side.length; at += 5) {
      const [num, den, ...sums] = side.slice(at, at + 5)
      bins[`${wordOf(num!)}${BETWEEN}${wordOf(den!)}`] = sums as RatioBins[string]
    }
    return bins
  }
  return [of(all.slice(0, length)), of(all.slice(length))]
}

function toPairs(numbers: readonly number[]): readonly Pair[] {
  return Array.from({ length: numbers.length / 2 }, (_, pair) => [
    numbers[2 * pair]!,
    numbers[2 * pair + 1]!,
  ])
}

/** A cohort with the tallies that feedback has changed since it was stored; undefined = none. */
export function withTallies(cohort: Cohort, bytes: Buffer | undefined): Cohort {
  if (bytes === undefined) return cohort
  const { rollout, tallies } = decodeTallies(bytes)
  return rollout === cohort.rollout
    ? { ...cohort, tallies: { ...cohort.tallies, ...tallies } }
    : cohort
}
