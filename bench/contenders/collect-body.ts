import type { IncomingMessage } from 'node:http'

/** Calls back with the whole body of a request as one buffer; null = it has none. */
export function collectBody(req: IncomingMessage, done: (body: Buffer | null) => void): void {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.once('end', () => {
    if (chunks.length === 0) done(null)
    else done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
  })
}
