import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenLoopDriver } from '../load/open-loop-driver.ts'
import { readFamilyUsage } from '../process-family.ts'
import type { RateCost } from '../report/figures.ts'
import { spread } from '../spread.ts'
import type { Running } from '../stage.ts'
import type { Work } from '../works.ts'

/** How much each worker gets: far below what it can, so that load and upstream have room beside two of them. */
const RATE_PER_WORKER = 3000
const MOST_OF_SATURATION = 0.15
/** CPU time is counted in steps of 10 ms, mostly. */
const SECONDS = 2
/** What is written behind the last answer belongs to a burst. */
const SETTLE_MS = 200

/** Who is compared with whom, and how often. */
export type RateCostPlan = {
  readonly work: Work
  readonly rounds: number
  /** By name: requests/s of a closed loop, which are told beside. */
  readonly saturation: ReadonlyMap<string, number>
}

type Burst = { readonly cpuMicros: number; readonly p99Ms: number; readonly sentP99Ms: number }

/**
 * What a request costs where each worker of a contender gets the same number of requests/s, over as many connections:
 * those of two workers together twice as many as one. The first contender is the one that the others are compared with,
 * round by round. CPU is that of all its processes, from when the connections are open and warm.
 */
export async function measureRateCost(
  running: readonly Running[],
  driver: OpenLoopDriver,
  { work, rounds, saturation }: RateCostPlan,
  say: (line: string) => void,
): Promise<Record<string, RateCost>> {
  const saturationOf = ({ contender }: Running) => saturation.get(contender.name)!
  const [reference] = running
  const perWorker = Math.min(RATE_PER_WORKER, MOST_OF_SATURATION * saturationOf(reference!))
  const rateOf = ({ contender }: Running) =>
    Math.max(1, Math.round(perWorker * (contender.workers ?? 1)))
  const drive = async (one: Running): Promise<Burst> => {
    const { workers = 1 } = one.contender
    let before = 0
    const result = await driver.drive(
      {
        port: one.port,
        work: work.name,
        ratePerSecond: rateOf(one),
        seconds: SECONDS,
        connections: work.connections * workers,
      },
      () => (before = readFamilyUsage(one.pid).cpuSeconds),
    )
    await sleep(SETTLE_MS)
    const used = readFamilyUsage(one.pid).cpuSeconds - before
    return { ...result, cpuMicros: (used * 1e6) / result.requests }
  }
  // Requests that come one by one take other ways than those of a closed loop.
  for (const one of running) await drive(one)
  const bursts = new Map<Running, Burst[]>(running.map((one) => [one, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of round % 2 === 1 ? running : running.toReversed()) {
      const burst = await drive(one)
      bursts.get(one)!.push(burst)
      const cost = `${burst.cpuMicros.toFixed(1)} µs/request at ${rateOf(one)} requests/s`
      say(`rate ${round}/${rounds}  ${one.contender.name}: ${cost}`)
    }
  }
  const references = bursts.get(reference!)!
  return Object.fromEntries(
    [...bursts].map(([one, of]) => [
      one.contender.name,
      {
        workers: one.contender.workers ?? 1,
        ratePerSecond: rateOf(one),
        cpuMicrosPerRequest: spread(of.map(({ cpuMicros }) => cpuMicros)),
        ratio: spread(of.map(({ cpuMicros }, i) => cpuMicros / references[i]!.cpuMicros)),
        p99Ms: spread(of.map(({ p99Ms }) => p99Ms)).median,
        sentP99Ms: spread(of.map(({ sentP99Ms }) => sentP99Ms)).median,
        saturationPerSecond: saturationOf(one),
      },
    ]),
  )
}
