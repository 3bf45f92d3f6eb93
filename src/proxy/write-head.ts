import type { ServerResponse } from 'node:http'
import { markClosing } from './closing-connections.ts'

/**
 * `res.writeHead` with flat header pairs, duplicates kept. While the server closes, Fastify has set
 * `Connection: close` on the response before; Node 20 then takes only the last of several lines with one
 * name, so they are handed over by name. `connection`, where there is one, is the last pair and says close.
 */
export function writeHeadPairs(
  res: ServerResponse,
  status: number,
  reason: string | undefined,
  pairs: string[],
): void {
  if (pairs.at(-2) === 'connection') markClosing(res.req.socket)
  if (!res.hasHeader('connection')) {
    if (reason === undefined) res.writeHead(status, pairs)
    else res.writeHead(status, reason, pairs)
    return
  }
  const lines = new Map<string, string[]>()
  for (let n = 0; n < pairs.length; n += 2) {
    const name = pairs[n]!.toLowerCase()
    const values = lines.get(name)
    if (values === undefined) lines.set(name, [pairs[n + 1]!])
    else values.push(pairs[n + 1]!)
  }
  for (const [name, values] of lines) res.setHeader(name, values.length === 1 ? values[0]! : values)
  res.writeHead(status, reason)
}
