import type { Figures } from '../report/figures.ts'
import type { Running } from '../stage.ts'
import type { CostBurst } from './cost-burst.ts'

/**
 * What a request costs in a closed loop: in each round one short burst of every contender, in reverse
 * order in every other round. The figures of a contender stand in the order of the rounds.
 */
export async function measureCost(
  running: readonly Running[],
  burst: CostBurst,
  rounds: number,
  say: (line: string) => void,
): Promise<Map<string, Figures[]>> {
  const runs = new Map<string, Figures[]>(running.map((one) => [one.contender.name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of round % 2 === 1 ? running : running.toReversed()) {
      const { name } = one.contender
      const { figures } = await burst(one, `burst-${round}-`)
      runs.get(name)!.push(figures)
      const cost = figures.cpuMicrosPerRequest.toFixed(1)
      const rate = figures.requestsPerSecond.toFixed(0)
      say(`cost ${round}/${rounds}  ${name}: ${cost} µs/request, ${rate} requests/s`)
    }
  }
  return runs
}
