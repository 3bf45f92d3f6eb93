import { suggest } from '../domain/nearest.ts'
import type { Checker } from './checker.ts'
import { DEFAULTS } from './defaults.ts'
import type { RedisStoreConfig } from './config.ts'
import { describeValue } from './describe-value.ts'
import { isAddressRange, isLoopback, parseListen } from './listen.ts'
import { checkOrigin } from './origin.ts'
import { checkTimers } from './check-timers.ts'
import { parseStore } from './parse-store.ts'
import type { ConfigPath } from './problem.ts'

/** Checks `gateway`, `admin`, `store` and `passthrough`: addresses, tokens, and what must not be open to all. */
export function checkGateway(checker: Checker): void {
  checkListen(checker)
  checkTokens(checker)
  checkTimers(checker, ['gateway', 'drain'], ['wait', 'deadline', 'streams'])
  checkOrigin(checker, ['passthrough'])
  checkStore(checker)
  for (const i of checker.keys(['gateway', 'trustedProxies'])) {
    const path = ['gateway', 'trustedProxies', i]
    const range = checker.read<string>(path)
    if (range !== undefined && !isAddressRange(range))
      checker.problem(
        path,
        `found ${describeValue(range, path)}, allowed is an address or CIDR such as 10.0.0.0/8`,
      )
  }
}

function checkStore(checker: Checker): void {
  const text = checker.read<string>(['store'])
  if (text === undefined) return
  const store = parseStore(text, '.')
  if ('wrong' in store)
    checker.problem(['store'], `found ${describeValue(text, ['store'])}: ${store.wrong}`)
  else if (store.engine === 'redis') checkRedis(checker, store)
}

/** Whoever can write there decides what gets traffic, and whoever listens on the way learns how. */
function checkRedis(checker: Checker, { servers, password, tls }: RedisStoreConfig): void {
  if (password?.startsWith(PLACEHOLDER) === true)
    checker.problem(['store'], `has the password (hidden), ${KNOWN_TO_ALL}`)
  if (servers.every(({ host }) => isLoopback(host))) return
  if (password === null)
    checker.warn(
      ['store'],
      'has no password, and is not on loopback: whoever reaches that Redis decides what gets traffic',
    )
  if (!tls)
    checker.warn(
      ['store'],
      'is not on loopback, and without TLS (rediss://) password and data travel in the clear: let only the gateways reach that Redis',
    )
}

function checkListen(checker: Checker): void {
  const data = checker.read<string>(['gateway', 'listen'])
  const admin = checker.read<string>(['admin', 'listen']) ?? DEFAULTS.adminListen
  for (const path of [
    ['gateway', 'listen'],
    ['admin', 'listen'],
  ]) {
    const text = checker.read<string>(path)
    if (text !== undefined && parseListen(text) === null)
      checker.problem(path, `found ${describeValue(text, path)}, allowed are ports up to 65535`)
  }
  if (data === admin && !data.endsWith(':0'))
    checker.problem(['gateway', 'listen'], `${data} is the address of the admin port too`)

  const host = parseListen(admin)?.host
  const hasTokens = checker.keys(['admin', 'tokens']).length > 0
  if (host !== undefined && !isLoopback(host) && !hasTokens)
    checker.problem(
      ['admin', 'listen'],
      'admin.listen is not on loopback: name at least one token under admin.tokens, or listen on 127.0.0.1',
    )
}

/** How the secrets of the examples under config/deploy begin. */
const PLACEHOLDER = 'replace-me'
const KNOWN_TO_ALL =
  'the placeholder of an example, which everybody knows: write one of your own (openssl rand -hex 24)'

/** Actors of the log that stand for no token: who judges, a new file, who needs no token, the breaker of a gateway. */
const OWN_ACTOR = /^(?:evaluator|configuration|operator@loopback|breaker@.*)$/i

function checkTokens(checker: Checker): void {
  const names = new Set<string>()
  const tokens = new Set<string>()
  for (const i of checker.keys(['admin', 'tokens'])) {
    const path = ['admin', 'tokens', i]
    const name = checker.read<string>([...path, 'name'])
    if (name !== undefined && names.has(name))
      checker.problem([...path, 'name'], `found "${name}" twice: the name is the actor in the log`)
    if (name !== undefined && OWN_ACTOR.test(name))
      checker.problem(
        [...path, 'name'],
        `found "${name}", as which serin itself acts in the log: take another name`,
      )
    const token = checker.read<string>([...path, 'token'])
    if (token !== undefined && tokens.has(token))
      checker.problem([...path, 'token'], 'found (hidden), the token of another name too')
    if (token?.startsWith(PLACEHOLDER))
      checker.problem([...path, 'token'], `found (hidden), ${KNOWN_TO_ALL}`)
    checkServicesOf(checker, [...path, 'services'])
    const expires = checker.read<string>([...path, 'expires'])
    if (expires !== undefined && !isDay(expires))
      checker.problem([...path, 'expires'], `found "${expires}", which is no day of the calendar`)
    if (name !== undefined) names.add(name)
    if (token !== undefined) tokens.add(token)
  }
}

// A token for a service that is not there may do nothing, which is found out at night.
function checkServicesOf(checker: Checker, path: ConfigPath): void {
  const known = checker.keys(['services']).map(String)
  for (const i of checker.keys(path)) {
    const name = checker.read<string>([...path, i])
    if (name === undefined || known.includes(name)) continue
    checker.problem(
      [...path, i],
      `found "${name}", which is no service of the file${suggest(name, known)}`,
    )
  }
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}
