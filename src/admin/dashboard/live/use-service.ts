import { useEffect, useReducer, useState } from 'preact/hooks'
import type { HistoryJson } from '../../present-history.ts'
import type { DecisionJson, DecisionLineJson, ServiceJson } from '../../present.ts'
import { ask, Refusal } from '../link/ask.ts'
import { followEvents, type LinkState, type StoreStanding } from '../link/follow-events.ts'
import { addMoment, momentOf, readHistory, type Moment } from './moments.ts'

/** One service, its past included. What was known stays while the gateway is away. */
export type LiveService = {
  readonly link: LinkState
  /** Null = nothing was told yet. */
  readonly service: ServiceJson | null
  /** When `service` was so, in milliseconds since the epoch by the gateway's clock. */
  readonly at: number
  readonly moments: readonly Moment[]
  /** Newest first. */
  readonly decisions: readonly DecisionLineJson[]
  /** Whether the log was read; why it could not be, as a sentence, where it could not. */
  readonly log: 'asked' | 'read' | { readonly problem: string }
  /** Why the store is away, to be read after "the store is"; null = it is there. */
  readonly storeAway: string | null
  /** The service is not in the configuration any more. */
  readonly isRemoved: boolean
}

type Told = Omit<LiveService, 'link'>

type Change =
  | { readonly is: 'other-service' }
  | { readonly is: 'snapshot'; readonly at: number; readonly service: ServiceJson }
  | { readonly is: 'changes'; readonly at: number; readonly changes: Partial<ServiceJson> }
  | { readonly is: 'history'; readonly history: HistoryJson }
  | { readonly is: 'decisions'; readonly decisions: readonly DecisionLineJson[] }
  | { readonly is: 'log'; readonly log: LiveService['log'] }
  | { readonly is: 'store'; readonly away: string | null }
  | { readonly is: 'removed' }

const NOTHING: Told = {
  ...{ service: null, at: 0, moments: [], decisions: [], log: 'asked' },
  ...{ storeAway: null, isRemoved: false },
}

/** The log is asked for again after so long where the gateway could not read it. */
const ASK_AGAIN_MS = 5000

/** Decisions that are read of the log at first. */
const MOST_DECISIONS = 200

/** Follows one service; its past is read anew whenever the connection was. */
export function useService(token: string | null, name: string): LiveService {
  const [link, setLink] = useState<LinkState>({ is: 'connecting' })
  const [told, dispatch] = useReducer(takeIn, NOTHING)

  useEffect(() => {
    const end = new AbortController()
    const path = `api/v1/services/${encodeURIComponent(name)}`
    const { signal } = end
    let again: ReturnType<typeof setTimeout> | undefined
    const readHistoryOf = async (): Promise<void> => {
      try {
        dispatch({ is: 'history', history: await ask(token, `${path}/history`, { signal }) })
      } catch {
        // The stream tells what is wrong with the gateway; with the next connection this is asked again.
      }
    }
    const readLog = async (): Promise<void> => {
      clearTimeout(again)
      try {
        const { decisions } = await ask<{ readonly decisions: readonly DecisionJson[] }>(
          token,
          `${path}/decisions?limit=${MOST_DECISIONS}`,
          { signal },
        )
        dispatch({ is: 'decisions', decisions })
        dispatch({ is: 'log', log: 'read' })
      } catch (error) {
        // As for the history, but for a store that is away: the stream goes on then.
        if (signal.aborted || !(error instanceof Refusal)) return
        dispatch({ is: 'log', log: { problem: error.message } })
        again = setTimeout(() => void readLog(), ASK_AGAIN_MS)
      }
    }
    dispatch({ is: 'other-service' })
    const stop = followEvents({
      ...{ path: `api/v1/events?service=${encodeURIComponent(name)}`, token, onState: setLink },
      onEvent: (event) => {
        const change = readEvent(event.name, event.data)
        if (change.is === 'snapshot') {
          void readHistoryOf()
          void readLog()
        }
        dispatch(change)
      },
    })
    return () => {
      stop()
      end.abort()
      clearTimeout(again)
    }
  }, [token, name])

  return { link, ...told }
}

function readEvent(name: string, data: string): Change {
  if (name === 'decision') {
    return { is: 'decisions', decisions: [JSON.parse(data) as DecisionLineJson] }
  }
  if (name === 'removed') return { is: 'removed' }
  if (name === 'store') return { is: 'store', ...(JSON.parse(data) as StoreStanding) }
  const event = JSON.parse(data) as {
    readonly at: string
    readonly service?: ServiceJson
    readonly changes?: Partial<ServiceJson>
  }
  const at = Date.parse(event.at)
  if (event.service !== undefined) return { is: 'snapshot', at, service: event.service }
  return { is: 'changes', at, changes: event.changes ?? {} }
}

function takeIn(told: Told, change: Change): Told {
  switch (change.is) {
    case 'other-service':
      return NOTHING
    case 'removed':
      return { ...told, isRemoved: true }
    case 'snapshot': {
      const { service, at } = change
      const moments = momentsFor(told, service)
      // It says by itself that the store is there: where it is not, that comes next.
      return { ...told, service, at, moments, storeAway: null, isRemoved: false }
    }
    case 'changes': {
      if (told.service === null) return told
      const service = { ...told.service, ...change.changes }
      const moments = addMoment(momentsFor(told, service), momentOf(service, change.at))
      return { ...told, service, at: change.at, moments }
    }
    case 'history':
      if (change.history.rollout !== told.service?.rollout) return told
      return { ...told, moments: withPast(told, readHistory(change.history)) }
    case 'decisions':
      return { ...told, decisions: mergeDecisions(told.decisions, change.decisions) }
    case 'log':
      return { ...told, log: change.log }
    case 'store':
      return { ...told, storeAway: change.away }
  }
}

// Another attempt is another story: its evidence begins at nothing.
function momentsFor(told: Told, { rollout }: ServiceJson): readonly Moment[] {
  return told.service?.rollout === rollout ? told.moments : []
}

// What came while the past was read is newer than it.
function withPast({ moments }: Told, past: readonly Moment[]): readonly Moment[] {
  return moments.reduce<readonly Moment[]>(addMoment, past)
}

function mergeDecisions(
  known: readonly DecisionLineJson[],
  more: readonly DecisionLineJson[],
): readonly DecisionLineJson[] {
  const byId = new Map([...known, ...more].map((decision) => [decision.id, decision]))
  return [...byId.values()].sort((a, b) => b.id - a.id)
}
