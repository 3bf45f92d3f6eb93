import type { Checker } from './checker.ts'
import { checkPattern } from './check-match.ts'
import { checkDrift } from './check-drift.ts'
import { checkExperiment } from './check-experiment.ts'
import { checkHeaderNames } from './check-header-names.ts'
import { checkMetrics } from './check-metrics.ts'
import { checkMirrors } from './check-mirrors.ts'
import { checkNotify } from './check-notify.ts'
import { checkRollout } from './check-rollout.ts'
import { checkSegments } from './check-segments.ts'
import { checkSplit } from './check-split.ts'
import { checkKeepAlive, checkTimers } from './check-timers.ts'
import { checkUpstreamTls } from './check-upstream-tls.ts'
import { checkOrigin, parseOrigin } from './origin.ts'
import type { ConfigPath } from './problem.ts'

/** Checks all that one service says about itself. */
export function checkService(checker: Checker, path: ConfigPath): void {
  checkVariants(checker, path)
  checkSplit(checker, path)
  checkHeaderNames(checker, path)
  checkMirrors(checker, path)
  checkRollout(checker, path)
  checkMetrics(checker, path)
  checkSegments(checker, path)
  checkDrift(checker, path)
  checkNotify(checker, path)
  checkExperiment(checker, path)
}

function checkVariants(checker: Checker, path: ConfigPath): void {
  const ownerOf = new Map<string, string>()
  const matched = checker.read<string>([...path, 'match', 'path'])
  for (const name of checker.keys([...path, 'variants'])) {
    const at = [...path, 'variants', name]
    checkVersion(checker, at, ownerOf)
    checkUpstreams(checker, at)
    checkUpstreamTls(checker, at)
    checkTimers(checker, [...at, 'timeout'], ['connect', 'firstByte', 'idle', 'total'])
    checkTimers(checker, [...at, 'health'], ['interval'])
    checkTimers(checker, [...at, 'queue'], ['timeout'])
    checkKeepAlive(checker, [...at, 'timeout', 'keepAlive'])
    const rewrite = checker.read<string>([...at, 'path'])
    if (rewrite !== undefined) checkPattern(checker, [...at, 'path'], rewrite)
    if (matched !== undefined && rewrite !== undefined && isPrefix(matched) !== isPrefix(rewrite))
      checker.problem(
        [...at, 'path'],
        `found "${rewrite}": it must end in /* exactly when match.path ("${matched}") does`,
      )
  }
}

function checkVersion(checker: Checker, at: ConfigPath, ownerOf: Map<string, string>): void {
  const version = checker.read<string>([...at, 'version'])
  if (version === undefined) return
  const name = String(at.at(-1))
  const owner = ownerOf.get(version)
  if (owner !== undefined)
    checker.problem(
      [...at, 'version'],
      `found "${version}", the version of ${owner} too: the variants of a service differ in version`,
    )
  ownerOf.set(version, owner ?? name)
}

function checkUpstreams(checker: Checker, at: ConfigPath): void {
  const seen = new Set<string>()
  for (const i of checker.keys([...at, 'upstreams'])) {
    const path = [...at, 'upstreams', i]
    checkOrigin(checker, path)
    const text = checker.read<string>(path)
    const origin = text === undefined ? null : parseOrigin(text)
    if (origin === null) continue
    if (seen.has(origin)) checker.problem(path, `found ${origin} twice`)
    seen.add(origin)
  }
}

function isPrefix(pattern: string): boolean {
  return pattern.endsWith('/*')
}
