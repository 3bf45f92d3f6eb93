import { useEffect, useState } from 'preact/hooks'

/** What is looked at: all services, or one of them. */
export type Route = { readonly service: string | null }

/** The address of a service's page. */
export function addressOf(service: string | null): string {
  return service === null ? '#/' : `#/services/${encodeURIComponent(service)}`
}

/** What the address asks for; follows it. */
export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute)
  useEffect(() => {
    const follow = (): void => setRoute(readRoute())
    window.addEventListener('hashchange', follow)
    return () => window.removeEventListener('hashchange', follow)
  }, [])
  return route
}

function readRoute(): Route {
  const encoded = /^#\/services\/([^/]+)$/.exec(location.hash)?.[1]
  try {
    return { service: encoded === undefined ? null : decodeURIComponent(encoded) }
  } catch {
    // Not an address of ours.
    return { service: null }
  }
}
