import type { IncomingMessage } from 'node:http'
import { bodyPatience } from './body-pace.ts'
import { collectPrefix, type Prefix } from './collect-prefix.ts'
import type { ExchangeContext } from './exchange-context.ts'

/**
 * Reads a request body, or its beginning when it is long, before the request is assigned. `onWait` hears
 * how long the client may take for the next part (ms); `done` comes once, or never when the client
 * leaves first. `startedAt`: when the request's head was read (monotonic ms).
 */
export function collectRequest(
  { exchanges, limits }: ExchangeContext,
  req: IncomingMessage,
  startedAt: number,
  onWait: (ms: number) => void,
  done: (prefix: Prefix) => void,
): void {
  const wait = (bytes: number) => {
    onWait(bodyPatience(limits, exchanges.now - startedAt, bytes))
  }
  wait(0)
  collectPrefix(req, limits.inspectBytes, wait, done)
}
