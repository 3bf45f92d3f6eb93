import type { ServerResponse } from 'node:http'
import { PROXY_LIMITS } from './exchange-context.ts'

/**
 * Ends the connection of a client that takes nothing of an answer for `ms` milliseconds, all of which is written; after up
 * to twice that where it had begun to, since Node looks a second time then. For answers of serin's own, which no exchange
 * watches: Node's time limits run before an answer, and behind it.
 */
export function endUnread(res: ServerResponse, ms = PROXY_LIMITS.writeStallMs): void {
  // Node ends a connection whose timeout nobody hears, and from its turn on alone.
  res.setTimeout(ms)
  // Before Node sets the time for a next request, or gives the connection to the next answer.
  res.prependOnceListener('finish', () => res.socket?.setTimeout(0))
}
