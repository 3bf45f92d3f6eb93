import { setTimeout as sleep } from 'node:timers/promises'
import { postLabels, type Labels } from '../load/post-labels.ts'
import { readFamilyUsage } from '../process-family.ts'
import type { Figures } from '../report/figures.ts'
import type { Running, Stage } from '../stage.ts'

/** What is written behind a burst's last answer belongs to it. */
const SETTLE_MS = 200

/**
 * What a request costs in a closed loop: in each round one short burst of every contender, in reverse
 * order in every other round. The figures of a contender stand in the order of the rounds.
 */
export async function measureCost(
  stage: Stage,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  say: (line: string) => void,
): Promise<Map<string, Figures[]>> {
  const runs = new Map<string, Figures[]>(stage.running.map((one) => [one.contender.name, []]))
  const labels = new Map<Running, Labels>()
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of round % 2 === 1 ? stage.running : stage.running.toReversed()) {
      const { name } = one.contender
      const idPrefix = `burst-${round}-`
      const { figures, requests } = await runBurst(stage, one, seconds, idPrefix, labels.get(one))
      if (one.contender.labels === true) labels.set(one, { idPrefix, count: requests })
      runs.get(name)!.push(figures)
      const cost = figures.cpuMicrosPerRequest.toFixed(1)
      const rate = figures.requestsPerSecond.toFixed(0)
      say(`cost ${round}/${rounds}  ${name}: ${cost} µs/request, ${rate} requests/s`)
    }
  }
  return runs
}

async function runBurst(
  stage: Stage,
  one: Running,
  seconds: number,
  idPrefix: string,
  labels: Labels | undefined,
): Promise<{ figures: Figures; requests: number }> {
  const before = readFamilyUsage(one.pid).cpuSeconds
  const [result, joined] = await Promise.all([
    stage.burst(one, seconds, idPrefix),
    labels === undefined ? 0 : postLabels(one.adminPort, labels, seconds),
  ])
  await sleep(SETTLE_MS)
  const used = readFamilyUsage(one.pid).cpuSeconds - before
  // The last answers of a burst may not have been read.
  if (labels !== undefined && joined < 0.9 * labels.count) {
    throw new Error(`${one.contender.name}: only ${joined} of ${labels.count} labels were joined`)
  }
  const figures = {
    cpuMicrosPerRequest: (used * 1e6) / result.requests,
    requestsPerSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    coreBusy: used / result.seconds,
  }
  return { figures, requests: result.requests }
}
