import { parseArgs } from 'node:util'
import { CONTENDERS, FLOOR, type Contender, type Measure } from './contenders.ts'
import type { WarmUpPlan } from './measure/warm-up.ts'
import { findWork, WORKS, type Work } from './works.ts'

/** What one run does. */
export type Options = {
  readonly jsonFile: string | null
  readonly work: Work
  readonly rounds: number
  /** Of one burst; a whole number. */
  readonly seconds: number
  readonly warmUp: WarmUpPlan
  readonly measures: readonly Measure[]
  /** Rounds of services and workers. */
  readonly fewerRounds: number
  readonly latencyRounds: number
  /** Rates of the latency bursts, in percent of the contender's saturation. */
  readonly percents: readonly number[]
  readonly streamRounds: number
  readonly streams: number
  /** Requests over which memory is watched. */
  readonly memoryRequests: number
  /** Who takes part in a measure, the floor first where others are compared with it. */
  readonly contendersOf: (measure: Measure) => readonly Contender[]
}

const MEASURES: readonly Measure[] = ['cost', 'latency', 'services', 'workers', 'streams', 'memory']
const QUICK_MEASURES: readonly Measure[] = ['cost', 'latency']
const QUICK = new Set([FLOOR, 'serin', '@fastify/http-proxy', 'nginx'])

/** Reads the command line. @throws with what would be right */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      work: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      measure: { type: 'string' },
      'warm-up': { type: 'string' },
    },
  })
  const { quick } = values
  const work = values.work === undefined ? WORKS[0]! : findWork(values.work)
  const isPart = quick || values.only !== undefined
  const measures = readMeasures(values.measure) ?? (isPart ? QUICK_MEASURES : MEASURES)
  const only = values.only === undefined ? null : readNames(values.only)
  const contendersOf = (measure: Measure) =>
    CONTENDERS.filter((contender) => {
      if (!contender.measures.includes(measure)) return false
      const isCompared = measure !== 'streams' && measure !== 'memory'
      if (contender.name === FLOOR && isCompared) return true
      return only?.has(contender.name) ?? (!quick || QUICK.has(contender.name))
    })
  for (const measure of measures) {
    if (contendersOf(measure).some(({ name }) => only?.has(name) ?? true)) continue
    throw new Error(`--only names nobody that takes part in ${measure}; name others with --measure`)
  }
  const rounds = wholeNumber('--rounds', values.rounds)
  const warmUpRequests = wholeNumber('--warm-up', values['warm-up'])
  return {
    jsonFile: values.json ?? null,
    work,
    rounds: rounds ?? (quick ? 4 : 15),
    fewerRounds: rounds ?? (quick ? 4 : 10),
    latencyRounds: rounds ?? (quick ? 3 : 5),
    seconds: wholeNumber('--seconds', values.seconds) ?? 1,
    warmUp: {
      requests: warmUpRequests ?? work.warmUpRequests,
      untilSteady: warmUpRequests === null,
    },
    measures,
    percents: quick ? [50] : [25, 50, 75],
    streamRounds: quick ? 1 : 3,
    streams: 1000,
    memoryRequests: quick ? 100_000 : 1_000_000,
    contendersOf,
  }
}

function readMeasures(list: string | undefined): readonly Measure[] | null {
  if (list === undefined) return null
  const names = new Set(list.split(','))
  // Rates of latency bursts are shares of what the cost bursts found.
  if (names.has('latency')) names.add('cost')
  for (const name of names) {
    if (MEASURES.some((measure) => measure === name)) continue
    throw new Error(`nothing called ${name} can be measured; known are ${MEASURES.join(', ')}`)
  }
  return MEASURES.filter((measure) => names.has(measure))
}

function readNames(list: string): ReadonlySet<string> {
  const names = new Set(list.split(','))
  for (const name of names) {
    if (CONTENDERS.some((contender) => contender.name === name)) continue
    const known = CONTENDERS.map((contender) => contender.name).join(', ')
    throw new Error(`no contender is called ${name}; known are ${known}`)
  }
  return names
}

function wholeNumber(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new Error(`${option} must be a whole number of at least 1, found ${text}`)
}
