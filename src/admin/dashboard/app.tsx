import { useEffect } from 'preact/hooks'
import type { MeJson } from '../identity.ts'
import type { LinkState } from './link/follow-events.ts'
import { useIdentity } from './live/use-identity.ts'
import { useOverview } from './live/use-overview.ts'
import { useRoute } from './live/use-route.ts'
import { useService } from './live/use-service.ts'
import { OverviewPage } from './overview/overview.tsx'
import { Shell } from './parts/shell.tsx'
import { TokenPrompt } from './parts/token-prompt.tsx'
import { ServicePage } from './service/service-page.tsx'

/** The dashboard: asks who looks, then shows what the address names. */
export function App() {
  const { identity, enter, leave } = useIdentity()
  const { service } = useRoute()
  if (identity.is === 'asked') return <TokenPrompt why={identity.why} onEnter={enter} />
  if (identity.is !== 'known') {
    return (
      <main class="loading">
        <h1 class="visually-hidden">serin</h1>
        <p role="status">
          {identity.is === 'away'
            ? 'The gateway does not answer; it is asked again …'
            : 'Asking the gateway …'}
        </p>
      </main>
    )
  }
  const { me, token } = identity
  const view = { me, token, leave }
  return service === null ? (
    <OverviewView {...view} />
  ) : (
    <ServiceView key={service} {...view} service={service} />
  )
}

type ViewProps = {
  readonly me: MeJson
  readonly token: string | null
  readonly leave: (why?: string) => void
}

function OverviewView({ me, token, leave }: ViewProps) {
  const overview = useOverview(token)
  useExpiry(overview.link, leave)
  return (
    <Shell
      title={null}
      me={me}
      link={overview.link}
      storeAway={overview.storeAway}
      onLeave={token === null ? null : () => leave()}
    >
      <OverviewPage {...overview} />
    </Shell>
  )
}

function ServiceView({ me, token, leave, service }: ViewProps & { readonly service: string }) {
  const live = useService(token, service)
  useExpiry(live.link, leave)
  return (
    <Shell
      title={service}
      me={me}
      link={live.link}
      storeAway={live.storeAway}
      onLeave={token === null ? null : () => leave()}
    >
      <ServicePage live={live} me={me} token={token} />
    </Shell>
  )
}

/** A token that is not good any more is asked for again, with the gateway's own words. */
function useExpiry(link: LinkState, leave: (why?: string) => void): void {
  useEffect(() => {
    if (link.is === 'refused' && link.refusal.status === 401) leave(link.refusal.message)
  }, [link, leave])
}
