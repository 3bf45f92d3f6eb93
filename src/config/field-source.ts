import type { FieldSource } from '../domain/service.ts'
import { FIELD_PATTERN } from './schema-place.ts'

/**
 * Reads `header:N`, `cookie:N`, `query:N`, `body:/json/pointer` or `ip`; null when it is none of these.
 * Header names become lower case, as they are compared.
 */
export function parseFieldSource(text: string): FieldSource | null {
  if (!FIELD.test(text)) return null
  const colon = text.indexOf(':')
  const rest = text.slice(colon + 1)
  switch (text.slice(0, Math.max(colon, 0))) {
    case 'header':
      return { from: 'header', name: rest.toLowerCase() }
    case 'cookie':
      return { from: 'cookie', name: rest }
    case 'query':
      return { from: 'query', name: rest }
    case 'body':
      return { from: 'body', pointer: rest }
    default:
      return { from: 'ip' }
  }
}

const FIELD = new RegExp(FIELD_PATTERN, 'u')
