import type { ProviderMetricSpec } from '../domain/rollout-spec.ts'

/** A GET that a provider is sent. */
export type ProviderRequest = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** The variant that is asked about. */
export type AskedVariant = { readonly variant: string; readonly version: string }

const PLACEHOLDER = /\{\{\s*(version|variant)\s*\}\}/g

/** Whether the answer depends on which variant is asked about. */
export function namesVariant(metric: ProviderMetricSpec): boolean {
  const asked = metric.kind === 'prometheus' ? metric.url + metric.query : metric.url
  return asked.search(PLACEHOLDER) !== -1
}

/**
 * What a provider is asked for one variant. Prometheus answers instant queries at `/api/v1/query` below
 * its address. Values are escaped in the address, and stand in a query as they are: versions have no
 * character that PromQL gives a meaning within quotes.
 */
export function buildProviderRequest(
  metric: ProviderMetricSpec,
  asked: AskedVariant,
): ProviderRequest {
  const url = new URL(fill(metric.url, asked, encodeURIComponent))
  if (metric.kind === 'prometheus') {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`
    url.searchParams.set('query', fill(metric.query, asked, String))
  }
  const headers = {
    accept: 'application/json',
    'user-agent': 'serin',
    ...metric.headers,
    ...(metric.secret === null ? {} : { authorization: `Bearer ${metric.secret}` }),
  }
  return { url: url.href, headers }
}

function fill(text: string, asked: AskedVariant, escape: (value: string) => string): string {
  return text.replace(PLACEHOLDER, (_, name: keyof AskedVariant) => escape(asked[name]))
}
