import type { Running } from '../stage.ts'
import type { CostBurst } from './cost-burst.ts'

/** A contender is warm when so many bursts have brought its CPU per request down no further. */
const STEADY_BURSTS = 5
/** What counts as further down. */
const FALL = 0.02
/** Nobody is waited for longer. */
const MOST_BURSTS = 30

/** How long to warm up: at least so many requests for each worker, and where it is said so until their cost has settled. */
export type WarmUpPlan = { readonly requests: number; readonly untilSteady: boolean }

/**
 * Warms contenders up, in turns: V8 compiles on threads of its own, which get on while others have the core.
 * Resolves to the requests that each has answered, by name.
 */
export async function warmUp(
  running: readonly Running[],
  burst: CostBurst,
  { requests, untilSteady }: WarmUpPlan,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, number>> {
  const answered = new Map(running.map((one) => [one.contender.name, 0]))
  const costs = new Map<Running, number[]>(running.map((one) => [one, []]))
  const isCold = (one: Running) => {
    const { name, workers = 1 } = one.contender
    if (answered.get(name)! < requests * workers) return true
    const of = costs.get(one)!
    return untilSteady && of.length < MOST_BURSTS && isFalling(of)
  }
  for (let round = 1; running.some(isCold); round += 1) {
    for (const one of running.filter(isCold)) {
      const done = await burst(one, `warm-up-${round}-`)
      const { name } = one.contender
      answered.set(name, answered.get(name)! + done.requests)
      costs.get(one)!.push(done.figures.cpuMicrosPerRequest)
      if (isCold(one)) continue
      const [first, last] = [costs.get(one)![0]!, costs.get(one)!.at(-1)!]
      const fall = `${first.toFixed(1)} to ${last.toFixed(1)} µs/request`
      say(`warm  ${name}: ${fall} within ${answered.get(name)} requests`)
    }
  }
  return answered
}

/** Whether one of the last bursts was the cheapest by more than what they differ anyway. */
function isFalling(costs: readonly number[]): boolean {
  const before = costs.slice(0, -STEADY_BURSTS)
  if (before.length === 0) return true
  return Math.min(...costs.slice(-STEADY_BURSTS)) < (1 - FALL) * Math.min(...before)
}
