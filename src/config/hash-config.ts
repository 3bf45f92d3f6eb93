import { createHash } from 'node:crypto'
import type { Config } from './config.ts'

/**
 * First 12 hex digits of the SHA-256 over the canonical JSON (keys sorted) of everything a configuration
 * decides. Secrets go in as their own hash, so that changing one changes it without telling about it.
 */
export function hashConfig(config: Omit<Config, 'file' | 'hash' | 'written'>): string {
  const json = JSON.stringify(config, (key, value: unknown) => {
    if (typeof value === 'string') return SECRETS.includes(key) ? sha256(value) : value
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
  return sha256(json).slice(0, 12)
}

const SECRETS: readonly string[] = ['token', 'secret', 'password']

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
