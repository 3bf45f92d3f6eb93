import { isFraming, isGuarded } from '../domain/header-names.ts'
import type { Checker } from './checker.ts'
import { toHeaderName } from './field-source.ts'
import type { ConfigPath } from './problem.ts'

/** Fields of an answer or a request that serin writes itself. */
const OWN: ReadonlySet<string> = new Set([
  'x-serin-error',
  'x-serin-fallback',
  'x-serin-mirror',
  'x-serin-secret',
  'x-serin-variant',
])

/** Checks the headers that a service has serin write or take for itself: none that others live by. */
export function checkHeaderNames(checker: Checker, service: ConfigPath): void {
  const requestId = [...service, 'observe', 'requestId']
  const id = checker.read<string>(requestId)
  if (id !== undefined) {
    const name = toHeaderName(id.slice('header:'.length))
    checkName(checker, requestId, name, 'x-request-id')
    if (OWN.has(name)) checker.problem(requestId, `found ${name}, which serin writes itself`)
  }
  const override = [...service, 'split', 'override', 'header']
  const header = checker.read<string>(override)
  if (header !== undefined) checkName(checker, override, toHeaderName(header), 'x-serin-variant')
}

/** Checks the headers that a provider is sent: none that serin writes itself, and one credential of a kind. */
export function checkSentHeaders(checker: Checker, metric: ConfigPath): void {
  const path = [...metric, 'headers']
  const seen = new Set<string>()
  for (const key of checker.keys(path).map(String)) {
    const name = toHeaderName(key)
    const at = [...path, key]
    if (isFraming(name)) checker.problem(at, `${name} frames the request: serin writes it itself`)
    if (seen.has(name)) checker.problem(at, `found ${name} twice`)
    seen.add(name)
  }
  if (seen.has('authorization') && checker.keys(metric).includes('secret'))
    checker.problem(
      path,
      'found authorization together with secret, which is sent there: one of them',
    )
}

function checkName(checker: Checker, path: ConfigPath, name: string, example: string): void {
  const why = isFraming(name)
    ? 'frames messages or concerns one connection'
    : 'holds credentials or cookies, or says who forwarded a message'
  if (isFraming(name) || isGuarded(name))
    checker.problem(path, `found ${name}, which ${why}: take one of your own such as ${example}`)
}
