import type { Service } from '../domain/service.ts'
import type { Variant } from '../domain/variant.ts'
import { formatDuration } from '../domain/units.ts'
import { formatCount, formatNumber, formatTimeSpan } from '../rollout/format.ts'
import type { Config } from './config.ts'
import type { ConfigPath, Finding } from './problem.ts'

/** Counts and times of the data port that no process comes to: limits that let everything in, checks that never end. */
export function lintUpkeep({ gateway, services }: Config): readonly Finding[] {
  const { inFlight, headerBytes } = gateway.limits
  const limits = ['gateway', 'limits']
  return [
    ...lintCrowd([...limits, 'inFlight'], inFlight, 'in progress'),
    ...(headerBytes < LEAST_HEAD_BYTES
      ? [
          {
            path: [...limits, 'header'],
            message: `is ${headerBytes} B, and most clients send larger heads, which get 431; such as 16KiB`,
          },
        ]
      : []),
    ...services.flatMap(({ name, variants }: Service) =>
      variants.flatMap((variant) =>
        lintVariant(['services', name, 'variants', variant.name], variant),
      ),
    ),
  ]
}

/** Requests of one process at once: each has two connections, and a few kilobytes of it. */
const MOST_AT_ONCE = 1_000_000

/** What browsers and clients of models send fits in it. */
const LEAST_HEAD_BYTES = 1024

const DAY_MS = 86_400_000

/** Failures in a row after which nothing is ever ejected. */
const MOST_FAILURES = 100_000

/** More checks than that load a model server. */
const LEAST_CHECK_MS = 100

function lintVariant(at: ConfigPath, variant: Variant): readonly Finding[] {
  const { maxInFlight, queue, health, eject, slowStartMs } = variant
  const findings: Finding[] = [
    ...lintCrowd([...at, 'maxInFlight'], maxInFlight ?? 0, 'at the upstreams'),
    ...lintCrowd([...at, 'queue', 'max'], queue?.max ?? 0, 'waiting'),
  ]
  const add = (path: ConfigPath, message: string) =>
    findings.push({ path: [...at, ...path], message })
  if ((queue?.timeoutMs ?? 0) > DAY_MS)
    add(['queue', 'timeout'], `lets requests wait ${formatDuration(queue!.timeoutMs)}; such as 1s`)
  if (slowStartMs > DAY_MS)
    add(
      ['slowStart'],
      `an upstream that came back gets less than its share for ${formatDuration(slowStartMs)}; such as 30s`,
    )
  if (health !== null) {
    const { intervalMs, unhealthyAfter, healthyAfter } = health
    const [down, up] = [unhealthyAfter * intervalMs, healthyAfter * intervalMs]
    const each = `checks, one each ${formatDuration(intervalMs)}`
    if (intervalMs > DAY_MS)
      add(
        ['health', 'interval'],
        `is ${formatDuration(intervalMs)}, in which nobody sees an upstream fail; such as 5s`,
      )
    else if (down > DAY_MS)
      add(
        ['health', 'unhealthyAfter'],
        `${formatCount(unhealthyAfter)} ${each}: an upstream that fails has its requests for ${spanOf(down)}; such as 3`,
      )
    else if (up > DAY_MS)
      add(
        ['health', 'healthyAfter'],
        `${formatCount(healthyAfter)} ${each}: an upstream that came back gets none for ${spanOf(up)}; such as 2`,
      )
    if (intervalMs < LEAST_CHECK_MS)
      add(
        ['health', 'interval'],
        `is ${formatDuration(intervalMs)}: each upstream is asked ${formatNumber(1000 / intervalMs)} times a second; such as 5s`,
      )
  }
  if (eject !== null) {
    const { consecutiveFailures, baseMs, maxMs } = eject
    if (consecutiveFailures > MOST_FAILURES)
      add(
        ['eject', 'consecutiveFailures'],
        `${formatCount(consecutiveFailures)} failures in a row: no upstream is ever ejected; such as 5`,
      )
    if (baseMs > maxMs)
      add(
        ['eject', 'base'],
        `the first time out (${formatDuration(baseMs)}) is longer than the longest (max: ${formatDuration(maxMs)}): each takes ${formatDuration(maxMs)}`,
      )
  }
  return findings
}

function lintCrowd(path: ConfigPath, count: number, where: string): readonly Finding[] {
  if (count <= MOST_AT_ONCE) return []
  const message = `lets ${formatCount(count)} requests be ${where} at once, which is no limit: no process has so many; such as 256`
  return [{ path, message }]
}

function spanOf(ms: number): string {
  return ms > 36_525 * DAY_MS ? 'more than 100 years' : formatTimeSpan(ms)
}
