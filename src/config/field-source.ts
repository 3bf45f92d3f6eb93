import type { FieldSource } from '../domain/service.ts'
import { FIELD_PATTERN } from './schema-place.ts'
import { shareText } from './share-text.ts'

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
      return { from: 'header', name: toHeaderName(rest) }
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

/** A header's name as names are compared: in lower case, and one string for all that name it. */
export function toHeaderName(name: string): string {
  return shareText(name.toLowerCase())
}

const FIELD = new RegExp(FIELD_PATTERN, 'u')
