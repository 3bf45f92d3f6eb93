import type { OpenLoopDriver } from '../load/open-loop-driver.ts'
import type { Latency } from '../report/figures.ts'
import { spread } from '../spread.ts'
import type { Running, Stage } from '../stage.ts'

/** What one contender is asked for. */
export type LatencyPlan = {
  readonly work: string
  readonly rounds: number
  readonly seconds: number
  /** Shares of the contender's own saturation, in percent. */
  readonly percents: readonly number[]
  /** Requests/s at which a contender is at its limit, by name. */
  readonly saturation: ReadonlyMap<string, number>
}

type Pair = { readonly direct: Times; readonly through: Times }
type Times = { readonly p50Ms: number; readonly p99Ms: number; readonly sentP99Ms: number }

/**
 * What a contender adds to the latency at a fixed rate: a burst through it and one straight to the upstream,
 * at the same rate, next to each other. By contender, then by percent of its saturation.
 */
export async function measureLatency(
  stage: Stage,
  driver: OpenLoopDriver,
  plan: LatencyPlan,
  say: (line: string) => void,
): Promise<Record<string, Record<string, Latency>>> {
  const { work, rounds, seconds, percents, saturation } = plan
  const pairs = new Map<string, Pair[]>()
  const key = (one: Running, percent: number) => `${one.contender.name} ${percent}`
  const rateOf = (one: Running, percent: number) =>
    Math.max(1, Math.round((saturation.get(one.contender.name)! * percent) / 100))
  for (let round = 1; round <= rounds; round += 1) {
    const isForward = round % 2 === 1
    for (const one of isForward ? stage.running : stage.running.toReversed()) {
      for (const percent of percents) {
        const ratePerSecond = rateOf(one, percent)
        const drive = async (port: number) => {
          try {
            return await driver.drive({ port, work, ratePerSecond, seconds })
          } catch (error) {
            const way = port === one.port ? one.contender.name : 'the upstream'
            throw new Error(`${way} failed at ${ratePerSecond} requests/s`, { cause: error })
          }
        }
        // The first burst of a pair is not always the same one.
        const first = await drive(isForward ? stage.upstreamPort : one.port)
        const second = await drive(isForward ? one.port : stage.upstreamPort)
        const pair = isForward
          ? { direct: first, through: second }
          : { direct: second, through: first }
        const list = pairs.get(key(one, percent)) ?? []
        pairs.set(key(one, percent), list)
        list.push(pair)
        const added = (pair.through.p99Ms - pair.direct.p99Ms).toFixed(2)
        say(`latency ${round}/${rounds}  ${one.contender.name}: p99 +${added} ms at ${percent} %`)
      }
    }
  }
  return Object.fromEntries(
    stage.running.map((one) => [
      one.contender.name,
      Object.fromEntries(
        percents.map((percent) => [
          String(percent),
          summarize(rateOf(one, percent), pairs.get(key(one, percent))!),
        ]),
      ),
    ]),
  )
}

function summarize(ratePerSecond: number, pairs: readonly Pair[]): Latency {
  const median = (of: (pair: Pair) => number) => spread(pairs.map(of)).median
  return {
    ratePerSecond,
    addedP50Ms: spread(pairs.map(({ direct, through }) => through.p50Ms - direct.p50Ms)),
    addedP99Ms: spread(pairs.map(({ direct, through }) => through.p99Ms - direct.p99Ms)),
    p50Ms: median(({ through }) => through.p50Ms),
    p99Ms: median(({ through }) => through.p99Ms),
    directP50Ms: median(({ direct }) => direct.p50Ms),
    directP99Ms: median(({ direct }) => direct.p99Ms),
    directSentP99Ms: median(({ direct }) => direct.sentP99Ms),
  }
}
