import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import type { ReloadStandingJson } from '../admin/present-reload.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { createDecisionAlarm } from './decision-alarm.ts'
import { createWatchView } from './watch-view.ts'

const WATCH_INTERVAL_MS = 1000
/** How many decisions of a service are kept to be shown. */
const KEPT = 20

/** What is seen of the gateway at one moment. */
export type Look = {
  readonly services: readonly ServiceJson[]
  readonly reload: ReloadStandingJson
  /** What is wrong with the store, as a sentence; null = nothing. */
  readonly store: string | null
}

/**
 * Shows the services that `look` gives, every second until Ctrl-C, and at once where the gateway tells of a
 * decision of `service` (null = of any). A gateway that goes away is waited for, and its return is told; one that
 * never answered is a `CliExit`.
 */
export async function watchServices(
  io: CliIo,
  client: AdminClient,
  options: {
    readonly look: () => Promise<Look>
    readonly service: string | null
    readonly output: 'table' | 'json'
  },
): Promise<void> {
  const stop = new AbortController()
  const stopped = new Promise<null>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(null), { once: true })
  })
  const unsubscribes = (['SIGINT', 'SIGTERM'] as const).map((signal) =>
    io.onSignal(signal, () => stop.abort()),
  )
  const view = createWatchView(io, options.output)
  const alarm = createDecisionAlarm(client, options.service, stop.signal)
  const decisions = new Map<string, readonly DecisionJson[]>()
  try {
    let awaySince: number | null = null
    for (let looks = 0; !stop.signal.aborted; looks += 1) {
      // Taken before the look: what is decided meanwhile is looked at next.
      const decided = alarm.next()
      try {
        // Ctrl-C waits for no answer.
        const seen = await Promise.race([options.look(), stopped])
        if (seen === null) return
        await Promise.race([readNews(client, seen.services, decisions), stopped])
        if (awaySince !== null) view.back((io.clock.monotonic() - awaySince) / 1000)
        awaySince = null
        view.show(seen, newestFirst(seen.services, decisions))
        alarm.listen()
      } catch (error) {
        if (looks === 0 || !isUnreachable(error)) throw error
        awaySince ??= io.clock.monotonic()
        view.away(error.message, (io.clock.monotonic() - awaySince) / 1000)
      }
      await io.sleep(WATCH_INTERVAL_MS, decided)
    }
  } finally {
    stop.abort()
    for (const unsubscribe of unsubscribes) unsubscribe()
  }
}

/** Reads the decisions that were made since the last look, of the services that have any. */
async function readNews(
  client: AdminClient,
  services: readonly ServiceJson[],
  decisions: Map<string, readonly DecisionJson[]>,
): Promise<void> {
  await Promise.all(
    services.map(async ({ name, lastDecision }) => {
      const known = decisions.get(name) ?? []
      if (lastDecision === null || lastDecision.id === known[0]?.id) return
      const after = known[0]?.id ?? 0
      const news = await client.decisions(name, { after, limit: KEPT })
      decisions.set(name, [...news, ...known].slice(0, KEPT))
    }),
  )
}

function newestFirst(
  services: readonly ServiceJson[],
  decisions: ReadonlyMap<string, readonly DecisionJson[]>,
): readonly DecisionJson[] {
  return services
    .flatMap(({ name }) => decisions.get(name) ?? [])
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id)
}

function isUnreachable(error: unknown): error is CliExit {
  return error instanceof CliExit && error.exitCode === EXIT.unreachable
}
