import type { BetTally, EventTally, Pair, Tally } from '../domain/cohort.ts'
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
      numbers.push(...(tally.kind === 'bet' ? betNumbers(tally) : eventNumbers(tally)))
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

function eventNumbers({ trials, events, harmEvents }: EventTally): readonly number[] {
  return [...trials, ...events, ...harmEvents]
}

function toEvents(numbers: readonly number[]): EventTally {
  const [trials, events, harmEvents] = toPairs(numbers)
  return {
    kind: 'event',
    trials: trials!,
    events: events!,
    harmEvents: harmEvents!,
    harmUnits: null,
  }
}

// The denominator stands at the end, so that its place says whether there is one.
function betNumbers({ n, sum, sumSq, harm, proof, denominator }: BetTally): readonly number[] {
  const rest =
    denominator === undefined
      ? []
      : [...denominator.sum, ...denominator.sumSq, ...denominator.cross]
  return [harm.length, ...n, ...sum, ...sumSq, ...harm, ...proof, ...rest]
}

function toBets([bets, ...numbers]: readonly number[]): BetTally {
  const [n, sum, sumSq] = toPairs(numbers.slice(0, 6))
  const end = 6 + 2 * bets!
  const [denSum, denSumSq, cross] = toPairs(numbers.slice(end))
  return {
    kind: 'bet',
    n: n!,
    sum: sum!,
    sumSq: sumSq!,
    ...(denSum === undefined
      ? {}
      : { denominator: { sum: denSum, sumSq: denSumSq!, cross: cross! } }),
    harm: numbers.slice(6, 6 + bets!),
    proof: numbers.slice(6 + bets!, end),
  }
}

function toPairs(numbers: readonly number[]): readonly Pair[] {
  return Array.from({ length: numbers.length / 2 }, (_, pair) => [
    numbers[2 * pair]!,
    numbers[2 * pair + 1]!,
  ])
}
