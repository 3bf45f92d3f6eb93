import { useEffect, useRef, useState } from 'preact/hooks'
import type { ServiceSummaryJson } from '../../present-summary.ts'
import type { DecisionLineJson } from '../../present.ts'
import type { ReloadStandingJson } from '../../present-reload.ts'
import { followEvents, type LinkState, type StoreStanding } from '../link/follow-events.ts'

/** All services at a glance, as they are now. */
export type Overview = {
  readonly link: LinkState
  /** By name; null = nothing was told yet. What was known stays while the gateway is away. */
  readonly services: ReadonlyMap<string, ServiceSummaryJson> | null
  readonly lastDecision: DecisionLineJson | null
  /** Why the store is away, to be read after "the store is"; null = it is there. */
  readonly storeAway: string | null
  /** What became of the last reload; null = nothing was told yet. */
  readonly reload: ReloadStandingJson | null
}

/** Follows all services; events that come together are shown together. */
export function useOverview(token: string | null): Overview {
  const [link, setLink] = useState<LinkState>({ is: 'connecting' })
  const [services, setServices] = useState<Overview['services']>(null)
  const [lastDecision, setLastDecision] = useState<DecisionLineJson | null>(null)
  const [reload, setReload] = useState<ReloadStandingJson | null>(null)
  const [storeAway, setStoreAway] = useState<string | null>(null)
  const told = useRef(new Map<string, ServiceSummaryJson>())

  useEffect(() => {
    let frame: ReturnType<typeof setTimeout> | undefined
    // A timer, not an animation frame: those stand still in a tab that nobody looks at.
    const show = (): void => {
      frame ??= setTimeout(() => {
        frame = undefined
        setServices(new Map(told.current))
      }, 50)
    }
    const stop = followEvents({
      ...{ path: 'api/v1/events', token, onState: setLink },
      onEvent: ({ name, data }) => {
        // It says by itself that the store is there: where it is not, that comes next.
        if (name === 'snapshot') setStoreAway(null)
        if (name === 'decision') setLastDecision(JSON.parse(data) as DecisionLineJson)
        else if (name === 'reload') setReload(JSON.parse(data) as ReloadStandingJson)
        else if (name === 'store') setStoreAway((JSON.parse(data) as StoreStanding).away)
        else told.current = applyEvent(told.current, name, data)
        show()
      },
    })
    return () => {
      stop()
      clearTimeout(frame)
    }
  }, [token])

  return { link, services, lastDecision, storeAway, reload }
}

function applyEvent(
  told: Map<string, ServiceSummaryJson>,
  name: string,
  data: string,
): Map<string, ServiceSummaryJson> {
  if (name === 'snapshot') {
    const { services } = JSON.parse(data) as { readonly services: readonly ServiceSummaryJson[] }
    return new Map(services.map((service) => [service.name, service]))
  }
  if (name === 'removed') {
    told.delete((JSON.parse(data) as { readonly name: string }).name)
  } else if (name === 'service') {
    const event = JSON.parse(data) as {
      readonly name: string
      readonly changes: Partial<ServiceSummaryJson>
    }
    const known = told.get(event.name)
    told.set(event.name, { ...known, ...event.changes } as ServiceSummaryJson)
  }
  return told
}
