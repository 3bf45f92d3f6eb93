import type { Checker } from './checker.ts'
import { checkSentHeaders } from './check-header-names.ts'
import type { ConfigPath } from './problem.ts'
import type { RawProviderMetric } from './schema-metric.ts'

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g
const KNOWN = ['version', 'variant']

/** Checks a metric that another system is asked for: where it is asked, and about what. */
export function checkProvider(checker: Checker, path: ConfigPath, metric: RawProviderMetric): void {
  checkAddress(checker, [...path, 'url'], metric.url)
  const asked = metric.kind === 'prometheus' ? (['url', 'query'] as const) : (['url'] as const)
  const texts = asked.map((key): [string, string] => [
    key,
    (metric as Record<string, unknown>)[key] as string,
  ])
  for (const [key, text] of texts) checkPlaceholders(checker, [...path, key], text)
  checkSentHeaders(checker, path)
  const namesVariant = texts.some(([, text]) => text.search(PLACEHOLDER) !== -1)

  if (metric.maxIncrease !== undefined && metric.maxDecrease !== undefined)
    checker.problem([...path, 'maxDecrease'], 'found together with maxIncrease: one of them')
  for (const key of ['maxIncrease', 'maxDecrease'] as const) {
    if (metric[key] === undefined) continue
    // Of single numbers from elsewhere nothing can be tested: there are no units and no draws.
    if (metric.method !== 'threshold')
      checker.problem([...path, key], `needs method: threshold in a metric of kind ${metric.kind}`)
    if (!namesVariant)
      checker.problem(
        [...path, key],
        'compares with the baseline, but both are asked the same: name {{version}} or {{variant}}',
      )
  }
  if (metric.kind === 'prometheus' && !namesVariant)
    checker.warn(
      [...path, 'query'],
      'names neither {{version}} nor {{variant}}: it cannot tell the canary from the baseline',
    )
}

function checkAddress(checker: Checker, path: ConfigPath, text: string): void {
  const url = parse(text.replace(PLACEHOLDER, 'x'))
  if (url === null) {
    checker.problem(path, 'found what is no address')
    return
  }
  if (url.username !== '' || url.password !== '')
    checker.problem(path, 'has a user in it: put what may not be shown into `secret` or `headers`')
  if (url.hash !== '') checker.problem(path, 'has a fragment (#), which is never sent')
}

function checkPlaceholders(checker: Checker, path: ConfigPath, text: string): void {
  for (const [found, name] of text.matchAll(PLACEHOLDER))
    if (!KNOWN.includes(name!))
      checker.problem(path, `found ${found}, allowed are {{version}} and {{variant}}`)
}

function parse(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
