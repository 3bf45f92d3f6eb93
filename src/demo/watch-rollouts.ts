import { setTimeout as sleep } from 'node:timers/promises'
import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import type { ServiceResult, UserResult } from './demo-result.ts'
import type { Audience, Stage, StageService } from './demo-stage.ts'
import { describeUnfinished, judgeEnding } from './judge-ending.ts'
import type { Ending } from './judge-ending.ts'
import type { Narrator } from './narrator.ts'
import type { LiveService } from './render-live.ts'
import { rmseOf } from './user-tally.ts'
import type { UserTally } from './user-tally.ts'

const LOOK_MS = 500

type Watched = {
  readonly stage: StageService
  view: ServiceJson | null
  decisions: readonly DecisionJson[]
  ending: Ending
}

/**
 * Looks at every service through the admin API, tells the narrator, and resolves when all have ended
 * or `limitMs` have passed. Rejects when the API does not answer, or with the
 * signal's reason.
 */
export async function watchRollouts(
  stage: Stage,
  audience: Audience,
  narrator: Narrator,
  limitMs: number,
  signal: AbortSignal,
): Promise<readonly ServiceResult[]> {
  const startedAt = Date.now()
  const beganAt = performance.now()
  const watched: readonly Watched[] = stage.services.map((service) => ({
    stage: service,
    view: null,
    decisions: [],
    ending: { state: 'running' },
  }))
  for (;;) {
    await Promise.all(watched.map((service) => look(service, stage, narrator, startedAt)))
    narrator.show(
      watched.map((service) => toLive(service, audience)),
      performance.now() - beganAt,
    )
    if (watched.every(({ ending }) => ending.state !== 'running')) break
    if (performance.now() - beganAt >= limitMs) break
    await sleep(LOOK_MS, undefined, { signal })
  }
  return watched.map((service) => toResult(service, audience, startedAt))
}

async function look(
  watched: Watched,
  stage: Stage,
  narrator: Narrator,
  startedAt: number,
): Promise<void> {
  const { service } = watched.stage.scenario
  const view = await stage.admin.service(service)
  const known = watched.decisions.length
  if (watched.view?.revision !== view.revision || known === 0) {
    watched.decisions = await stage.admin.decisions(service)
    for (const decision of watched.decisions.slice(known)) narrator.decided(decision, startedAt)
  }
  watched.view = view
  if (watched.ending.state !== 'running') return
  const faultAt = watched.stage.readFaultAt()
  watched.ending = judgeEnding(watched.stage.scenario, {
    view,
    decisions: watched.decisions,
    faultAt,
  })
}

function toLive(watched: Watched, audience: Audience): LiveService {
  const { service, story } = watched.stage.scenario
  return {
    service,
    story,
    view: watched.view,
    users: audience.traffic.get(service)!.read(),
    ending: watched.ending.state === 'running' ? null : watched.ending.sentence,
  }
}

function toResult(watched: Watched, audience: Audience, startedAt: number): ServiceResult {
  const { scenario, offlineRmse } = watched.stage
  const ended = watched.ending.state !== 'running'
  const ending =
    watched.ending.state === 'running' ? describeUnfinished(scenario, watched.view) : watched.ending
  const last = watched.decisions.at(-1)
  return {
    service: scenario.service,
    story: scenario.story,
    expected: scenario.expected.ending,
    ok: ending.state === 'as-expected',
    ending: ending.sentence,
    seconds: ended && last !== undefined ? (Date.parse(last.at) - startedAt) / 1000 : null,
    offlineRmse,
    users: toUsers(audience.traffic.get(scenario.service)!.read()),
    decisions: watched.decisions,
  }
}

function toUsers(tally: UserTally): Readonly<Record<string, UserResult>> {
  return Object.fromEntries(
    Object.entries(tally).map(([variant, seen]) => [
      variant,
      {
        requests: seen.requests,
        errors: seen.errors,
        wrong: seen.wrong,
        rmse: rmseOf(seen),
      },
    ]),
  )
}
