import type { IncomingMessage } from 'node:http'
import { bodyPatience } from './body-patience.ts'
import { collectPrefix, wholeBody, type Prefix } from './collect-prefix.ts'
import { decodePrefix } from './decode-prefix.ts'
import type { ExchangeContext } from './exchange-context.ts'

/**
 * Reads a request body, or its beginning when it is long, before the request is assigned; `inspects` = its fields are
 * asked for, so that what is encoded is decoded as well. `onWait` hears
 * how long the client may take for the next part (ms); `done` comes once, or never when the client
 * leaves first. `startedAt`: when the request's head was read (monotonic ms).
 */
export function collectRequest(
  { exchanges, limits }: ExchangeContext,
  req: IncomingMessage,
  { startedAt }: { readonly startedAt: number },
  inspects: boolean,
  onWait: (ms: number) => void,
  done: (prefix: Prefix) => void,
): void {
  const wait = (bytes: number) => {
    onWait(bodyPatience(limits, exchanges.now - startedAt, bytes))
  }
  wait(0)
  const coding = inspects ? codingOf(req) : null
  if (coding === null) return collectPrefix(req, limits.inspectBytes, wait, done)
  collectPrefix(req, limits.inspectBytes, wait, (prefix) => {
    const sent = wholeBody(prefix)
    if (sent === null) return done(prefix)
    decodePrefix(sent, coding, limits.inspectBytes, (decoded) => done({ ...prefix, decoded }))
  })
}

/** How the document was made into the body's bytes (`content-encoding: gzip`, say); null = it is these bytes. */
function codingOf(req: IncomingMessage): string | null {
  const coding = req.headers['content-encoding']
  return coding === undefined || coding === 'identity' ? null : coding
}
