import { setTimeout as sleep } from 'node:timers/promises'
import { postLabels, type Labels } from '../load/post-labels.ts'
import { readFamilyUsage } from '../process-family.ts'
import type { Figures } from '../report/figures.ts'
import type { Running, Stage } from '../stage.ts'

/** What is written behind a burst's last answer belongs to it. */
const SETTLE_MS = 200

/** One burst of a closed loop; `idPrefix` begins the ids of its requests, and is another one each time. */
export type CostBurst = (
  one: Running,
  idPrefix: string,
) => Promise<{ readonly figures: Figures; readonly requests: number }>

/** Bursts of `seconds` that tell what a request costs. Who takes labels gets those of its burst before. */
export function createCostBurst(stage: Stage, seconds: number): CostBurst {
  const labels = new Map<Running, Labels>()
  return async (one, idPrefix) => {
    const before = readFamilyUsage(one.pid).cpuSeconds
    const due = labels.get(one)
    const [result, joined] = await Promise.all([
      stage.burst(one, seconds, idPrefix),
      due === undefined ? 0 : postLabels(one.adminPort, due, seconds),
    ])
    await sleep(SETTLE_MS)
    const used = readFamilyUsage(one.pid).cpuSeconds - before
    // The last answers of a burst may not have been read.
    if (due !== undefined && joined < 0.9 * due.count) {
      throw new Error(`${one.contender.name}: only ${joined} of ${due.count} labels were joined`)
    }
    const { requests } = result
    if (one.contender.labels === true) labels.set(one, { idPrefix, count: requests })
    const figures = {
      cpuMicrosPerRequest: (used * 1e6) / requests,
      requestsPerSecond: requests / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      coreBusy: used / result.seconds,
    }
    return { figures, requests }
  }
}
