import type { Checker } from './checker.ts'
import { describeValue } from './describe-value.ts'
import type { ConfigPath } from './problem.ts'
import { adviseVariable } from './substitute-env.ts'

/** `http://HOST:PORT` of an address that has nothing else; null when it has, or is no address. */
export function parseOrigin(text: string): string | null {
  // A URL parser takes `$HOST` for the name of a host.
  if (!URL.canParse(text) || text.includes('$')) return null
  const url = new URL(text)
  const isBare = url.href === `${url.origin}/` && !text.endsWith('/')
  return isBare && /^https?:$/.test(url.protocol) ? url.origin : null
}

/** Reports an address with a path, a query or user info, and one that no URL parser reads. */
export function checkOrigin(checker: Checker, path: ConfigPath): void {
  const text = checker.read<string>(path)
  if (text === undefined || parseOrigin(text) !== null) return
  const found = describeValue(text, path)
  const isFarPort = Number(/:(\d+)$/.exec(text)?.[1] ?? 0) > 65_535
  const allowed = isFarPort
    ? 'a port is at most 65535'
    : 'allowed is scheme, host and port alone such as http://10.0.0.1:8000'
  checker.problem(path, `found ${found}, ${allowed}${adviseVariable(found)}`)
}
