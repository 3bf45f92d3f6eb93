import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import { judgeTagged, type Surroundings } from './judge-tagged.ts'
import { drawTagged, sendTagged, type TaggedOutcome } from './tagged-request.ts'

export type TaggedLoadOptions = {
  /** Where the gateway listens; asked before each request. */
  readonly data: () => string
  readonly concurrency: number
  readonly draw: () => number
  /** Whether to go on, asked with the number of right answers so far. */
  readonly goesOn: (right: number) => boolean
  readonly surroundings: (outcome: TaggedOutcome) => Surroundings
}

export type TaggedTally = {
  sent: number
  right: number
  /** Outcomes that a fault explains, by what they were. */
  readonly explained: Record<string, number>
  /** The first outcomes that nothing explains. */
  readonly wrong: string[]
  /** Connections that were refused, and tried again. */
  refused: number
}

const MOST_WRONG = 20

/** What has gone is back after this long, or is asked again. */
const RETRY_MS = 20

/** Sends requests with known answers, `concurrency` at a time, and judges every outcome. */
export async function runTaggedLoad(options: TaggedLoadOptions): Promise<TaggedTally> {
  const { data, concurrency, draw, goesOn, surroundings } = options
  const agent = new Agent({ connections: concurrency })
  const run = `r${Math.floor(draw() * 1e9)}`
  const tally: TaggedTally = { sent: 0, right: 0, explained: {}, wrong: [], refused: 0 }
  const worker = async () => {
    while (goesOn(tally.right) && tally.wrong.length < MOST_WRONG) {
      const tagged = drawTagged(tally.sent++, run, draw)
      let outcome = await sendTagged(agent, data(), tagged)
      while (outcome.error === 'ECONNREFUSED') {
        tally.refused++
        await delay(RETRY_MS)
        outcome = await sendTagged(agent, data(), tagged)
      }
      const wrong = judgeTagged(tagged, outcome, surroundings(outcome))
      if (wrong !== null) tally.wrong.push(`${tagged.path} (${tagged.fault}): ${wrong}`)
      if (outcome.isRight) tally.right++
      else {
        count(tally.explained, outcome.errorCode ?? outcome.error ?? String(outcome.status))
        // An outage answers faster than a server: without a pause it would use up the requests.
        if (outcome.errorCode !== null) await delay(RETRY_MS)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  await agent.close()
  return tally
}

function count(into: Record<string, number>, key: string): void {
  into[key] = (into[key] ?? 0) + 1
}
