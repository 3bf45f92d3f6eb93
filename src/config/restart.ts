import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config.ts'

/**
 * The parts of a new configuration that a running gateway cannot take over in place: named as in the
 * file, empty when a reload suffices.
 */
export function listRestartChanges(running: Config, next: Config): readonly string[] {
  const parts: readonly [string, (config: Config) => unknown][] = [
    ['gateway.listen', (config) => config.gateway.listen],
    ['gateway.workers', (config) => config.gateway.workers],
    ['gateway.tls', (config) => config.gateway.tls],
    ['gateway.health', (config) => config.gateway.healthPath],
    ['gateway.limits.header', (config) => config.gateway.limits.headerBytes],
    ['admin.listen', (config) => config.admin.listen],
    ['store', (config) => config.store],
    ['lastWeights', (config) => config.lastWeights],
    ['feedback.maxPending', (config) => config.feedback.maxPending],
    ['feedback.maxBytes', (config) => config.feedback.maxBytes],
    ['feedback.retention', (config) => config.feedback.retentionMs],
    ['passthrough', (config) => config.passthrough],
  ]
  return parts
    .filter(([, part]) => !isDeepStrictEqual(part(running), part(next)))
    .map(([name]) => name)
}
