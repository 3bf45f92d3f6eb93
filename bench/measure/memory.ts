import type { Contender } from '../contenders.ts'
import type { LoadResult } from '../load/closed-loop.ts'
import { postLabels, type Labels } from '../load/post-labels.ts'
import { readFamilyUsage } from '../process-family.ts'
import type { Memory } from '../report/figures.ts'
import { spread } from '../spread.ts'
import { openStage, type StageDeps } from '../stage.ts'
import type { Work } from '../works.ts'

const BURST_SECONDS = 1

/**
 * Resident memory over many requests: each contender alone, in a fresh process, looked at after each second
 * of load until it has answered `requests`. Growth compares the last quarter with the second one, so that
 * neither warming up nor garbage of the moment counts.
 */
export async function measureMemory(
  deps: StageDeps,
  contenders: readonly Contender[],
  work: Work,
  requests: number,
  say: (line: string) => void,
): Promise<Record<string, Memory>> {
  const found: Record<string, Memory> = {}
  for (const contender of contenders) {
    const stage = await openStage(deps, [contender], work)
    try {
      const one = stage.running[0]!
      const samples = [{ requests: 0, mib: readFamilyUsage(one.pid).rssBytes / 2 ** 20 }]
      let labels: Labels | null = null
      for (let done = 0; done < requests;) {
        const idPrefix = `memory-${samples.length}-`
        const [result]: [LoadResult, number] = await Promise.all([
          stage.burst(one, BURST_SECONDS, idPrefix),
          labels === null ? 0 : postLabels(one.adminPort, labels, BURST_SECONDS),
        ])
        if (contender.labels === true) labels = { idPrefix, count: result.requests }
        done += result.requests
        samples.push({ requests: done, mib: readFamilyUsage(one.pid).rssBytes / 2 ** 20 })
      }
      const growthMiB = quarter(samples, 3) - quarter(samples, 1)
      found[contender.name] = { growthMiB, samples }
      say(`memory  ${contender.name}: ${growthMiB.toFixed(1)} MiB more at the end`)
    } finally {
      await stage.close()
    }
  }
  return found
}

/** Median of the samples of one quarter of the requests; the first quarter is 0. */
function quarter(samples: Memory['samples'], index: number): number {
  const size = samples.at(-1)!.requests / 4
  const inside = samples.filter(
    ({ requests }) => Math.min(3, Math.floor(requests / size)) === index,
  )
  return spread((inside.length === 0 ? samples : inside).map(({ mib }) => mib)).median
}
