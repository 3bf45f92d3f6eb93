import { METHODS } from 'node:http'
import { suggest } from '../domain/nearest.ts'
import { DEFAULTS } from './defaults.ts'
import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'
import type { RawService } from './schema.ts'

type Match = RawService['match']

/** Checks what services match: their own patterns, ties between them, and the health path. */
export function checkMatches(checker: Checker): void {
  const health = checker.read<string>(['gateway', 'health']) ?? DEFAULTS.healthPath
  const earlier: { readonly name: string; readonly match: Match }[] = []
  for (const key of checker.keys(['services'])) {
    const name = String(key)
    const path = ['services', name, 'match', 'path']
    const pattern = checker.read<string>(path)
    if (pattern !== undefined) checkPattern(checker, path, pattern)
    if (pattern !== undefined && isMatched(health, pattern))
      checker.warn(path, `matches the health path ${health} too, which the gateway answers itself`)
    const match = checker.read<Match>(['services', name, 'match'])
    if (match === undefined) continue
    checkMethods(checker, ['services', name, 'match', 'methods'], match.methods ?? [])
    const rival = earlier.find((other) => isTie(other.match, match))
    if (rival !== undefined)
      checker.problem(
        path,
        `found "${match.path}", which ties with the service ${rival.name}: same host, same path, and methods in common`,
      )
    earlier.push({ name, match })
  }
}

/** Reports `*`, `?` and `#` anywhere but in a trailing `/*`. */
export function checkPattern(checker: Checker, path: ConfigPath, pattern: string): void {
  const literal = pattern.endsWith('/*') ? pattern.slice(0, -1) : pattern
  if (/[*?#]/.test(literal))
    checker.problem(
      path,
      `found "${pattern}": * is allowed only as the last part (/v2/models/m/*), ? and # nowhere`,
    )
}

/** What is no method of the parser of requests is answered 400, whatever a service says. */
function checkMethods(checker: Checker, path: ConfigPath, methods: readonly string[]): void {
  for (const [index, method] of methods.entries()) {
    if (METHODS.includes(method.toUpperCase())) continue
    const meant = suggest(method, COMMON_METHODS)
    checker.problem([...path, index], `found "${method}", which is no HTTP method${meant}`)
  }
}

const COMMON_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

function isTie(a: Match, b: Match): boolean {
  const sameHost = a.host?.toLowerCase() === b.host?.toLowerCase()
  return sameHost && a.path === b.path && overlap(a.methods, b.methods)
}

/** Without a list, every method. */
function overlap(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return true
  return a.some((method) => b.some((other) => other.toUpperCase() === method.toUpperCase()))
}

function isMatched(path: string, pattern: string): boolean {
  return pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}
