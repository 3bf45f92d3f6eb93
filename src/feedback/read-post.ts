import { listNames, quote } from './in-short.ts'
import { parseFeedback, type ParsedLine, type ParsedLines } from './parse.ts'

/**
 * Reads what was posted as feedback, as `parseFeedback`, by somebody who may send it for these services (null = for all):
 * each line has to name one of them then, and one that does not is rejected, and not looked up.
 */
export function readPost(
  body: string,
  contentType: Parameters<typeof parseFeedback>[1],
  services: readonly string[] | null,
): ParsedLines {
  const lines = parseFeedback(body, contentType)
  if (services === null) return lines
  const limited = function* (): Generator<ParsedLine, undefined> {
    for (const line of lines) yield limit(line, services)
  }
  return { size: lines.size, [Symbol.iterator]: limited }
}

function limit(line: ParsedLine, services: readonly string[]): ParsedLine {
  if ('error' in line) return line
  const { service, line: number, chars } = line
  if (service !== null && services.includes(service)) return line
  const found = service === null ? 'service is missing' : `found service ${quote(service)}`
  const error = `${found}: the token is for ${listNames(services)} alone`
  return { line: number, chars, error }
}
