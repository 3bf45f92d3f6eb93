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
 * neither warming up nor garbage of the moment counts; that of the process' own pages, and that of the files it maps.
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
      const samples = [look(one.pid, 0)]
      let labels: Labels | null = null
      for (let done = 0; done < requests;) {
        const idPrefix = `memory-${samples.length}-`
        const [result]: [LoadResult, number] = await Promise.all([
          stage.burst(one, BURST_SECONDS, idPrefix),
          labels === null ? 0 : postLabels(one.adminPort, labels, BURST_SECONDS),
        ])
        if (contender.labels === true) labels = { idPrefix, count: result.requests }
        done += result.requests
        samples.push(look(one.pid, done))
      }
      const growthOf = (of: 'ownMiB' | 'fileMiB') =>
        quarter(samples, 3, of) - quarter(samples, 1, of)
      const growth = { ownMiB: growthOf('ownMiB'), fileMiB: growthOf('fileMiB') }
      found[contender.name] = { growth, samples }
      const [own, file] = [growth.ownMiB.toFixed(1), growth.fileMiB.toFixed(1)]
      say(`memory  ${contender.name}: ${own} MiB more of its own at the end, ${file} MiB of files`)
    } finally {
      await stage.close()
    }
  }
  return found
}

function look(pid: number, requests: number): Memory['samples'][number] {
  const { rssBytes, fileBytes } = readFamilyUsage(pid)
  return { requests, ownMiB: (rssBytes - fileBytes) / 2 ** 20, fileMiB: fileBytes / 2 ** 20 }
}

/** Median of the samples of one quarter of the requests; the first quarter is 0. */
function quarter(samples: Memory['samples'], index: number, of: 'ownMiB' | 'fileMiB'): number {
  const size = samples.at(-1)!.requests / 4
  const inside = samples.filter(
    ({ requests }) => Math.min(3, Math.floor(requests / size)) === index,
  )
  return spread((inside.length === 0 ? samples : inside).map((sample) => sample[of])).median
}
