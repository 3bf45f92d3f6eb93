import type { CoreSleeper } from '../load/core-sleeper.ts'
import type { OpenLoopDriver } from '../load/open-loop-driver.ts'
import type { OpenLoopResult } from '../load/open-loop.ts'
import type { Latency } from '../report/figures.ts'
import { spread } from '../spread.ts'
import type { Running, Stage } from '../stage.ts'

/** What is asked of the contenders. */
export type LatencyPlan = {
  readonly work: string
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  /** Shares of the contender's own saturation, in percent, rising. */
  readonly percents: readonly number[]
  /** Requests/s at which a contender is at its limit, by name. */
  readonly saturation: ReadonlyMap<string, number>
  /** Requests/s that the driver keeps: nobody gets more. */
  readonly mostPerSecond: number
}

/** A rate that a contender is driven at. */
type Rate = {
  /** As it was asked for. */
  readonly percent: number
  readonly ratePerSecond: number
  readonly isCapped: boolean
}

type Pair = { readonly direct: Times; readonly through: Times; readonly coreLateP99Ms: number }
type Times = Omit<OpenLoopResult, 'requests'>

/**
 * What a contender adds to the latency at a fixed rate: a burst through it and one straight to the upstream,
 * at the same rate, next to each other. While the latter goes on, a sleeper on the contender's core tells how late
 * anything on it would be. By contender, then by percent of its saturation. Where several percents
 * are above what the driver keeps only the first is measured, at that rate.
 */
export async function measureLatency(
  stage: Stage,
  { driver, sleeper }: { readonly driver: OpenLoopDriver; readonly sleeper: CoreSleeper },
  plan: LatencyPlan,
  say: (line: string) => void,
): Promise<Record<string, Record<string, Latency>>> {
  const { work, connections, rounds, seconds } = plan
  const rates = new Map(stage.running.map((one) => [one, ratesOf(one, plan)]))
  const pairs = new Map<Rate, Pair[]>([...rates.values()].flat().map((rate) => [rate, []]))
  const drive = async (one: Running, isDirect: boolean, ratePerSecond: number) => {
    const port = isDirect ? stage.upstreamPort : one.port
    try {
      return await driver.drive({ port, work, connections, ratePerSecond, seconds })
    } catch (error) {
      const way = isDirect ? 'the upstream' : one.contender.name
      throw new Error(`${way} failed at ${ratePerSecond} requests/s`, { cause: error })
    }
  }
  // Requests that come one by one take other ways through a contender than those of a closed loop.
  for (const [one, of] of rates) {
    for (const { ratePerSecond } of of) await drive(one, false, ratePerSecond)
  }
  for (let round = 1; round <= rounds; round += 1) {
    // The first burst of a pair is not always the same one.
    const isDirectFirst = round % 2 === 1
    for (const one of isDirectFirst ? stage.running : stage.running.toReversed()) {
      for (const rate of rates.get(one)!) {
        const goThrough = () => drive(one, false, rate.ratePerSecond)
        const before = isDirectFirst ? null : await goThrough()
        const [direct, coreLateP99Ms] = await Promise.all([
          drive(one, true, rate.ratePerSecond),
          sleeper.lateP99Ms(1000 * seconds),
        ])
        const through = before ?? (await goThrough())
        pairs.get(rate)!.push({ direct, through, coreLateP99Ms })
        const p99 = (through.p99Ms - direct.p99Ms).toFixed(2)
        const typical = (through.typicalP99Ms - direct.typicalP99Ms).toFixed(2)
        const at = `${rate.ratePerSecond} requests/s`
        say(
          `latency ${round}/${rounds}  ${one.contender.name}: p99 +${p99} ms, typical +${typical}, at ${at}`,
        )
      }
    }
  }
  return Object.fromEntries(
    [...rates].map(([{ contender }, of]) => [
      contender.name,
      Object.fromEntries(
        of.map((rate) => [
          String(rate.percent),
          summarize(rate, plan.saturation.get(contender.name)!, pairs.get(rate)!),
        ]),
      ),
    ]),
  )
}

function ratesOf({ contender }: Running, plan: LatencyPlan): readonly Rate[] {
  const { percents, saturation, mostPerSecond } = plan
  const all = percents.map((percent) => {
    const wanted = Math.max(1, Math.round((saturation.get(contender.name)! * percent) / 100))
    const isCapped = wanted > mostPerSecond
    return { percent, ratePerSecond: isCapped ? mostPerSecond : wanted, isCapped }
  })
  const firstCapped = all.find(({ isCapped }) => isCapped)
  return all.filter((rate) => !rate.isCapped || rate === firstCapped)
}

function summarize(rate: Rate, saturation: number, pairs: readonly Pair[]): Latency {
  const median = (of: (pair: Pair) => number) => spread(pairs.map(of)).median
  const added = (of: 'p50Ms' | 'p99Ms' | 'typicalP99Ms') =>
    spread(pairs.map(({ direct, through }) => through[of] - direct[of]))
  return {
    ratePerSecond: rate.ratePerSecond,
    isCapped: rate.isCapped,
    ofSaturation: rate.ratePerSecond / saturation,
    addedP50Ms: added('p50Ms'),
    addedP99Ms: added('p99Ms'),
    addedTypicalP99Ms: added('typicalP99Ms'),
    p50Ms: median(({ through }) => through.p50Ms),
    p99Ms: median(({ through }) => through.p99Ms),
    directP50Ms: median(({ direct }) => direct.p50Ms),
    directP99Ms: median(({ direct }) => direct.p99Ms),
    directSentP99Ms: median(({ direct }) => direct.sentP99Ms),
    coreLateP99Ms: median(({ coreLateP99Ms }) => coreLateP99Ms),
  }
}
