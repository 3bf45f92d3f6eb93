import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { AdminError } from './problem.ts'

/**
 * Reads a body as text (UTF-8), piece by piece as it comes: megabytes that are decoded in one go hold everything else
 * up. Rejects with SERIN_BODY_TOO_LARGE beyond `limitBytes`, and as the request does.
 */
export function readText(
  request: Pick<IncomingMessage, 'on' | 'headers'>,
  limitBytes: number,
): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let text = ''
  let bytes = 0
  return new Promise((resolve, reject) => {
    const tooLarge = () =>
      reject(new AdminError('SERIN_BODY_TOO_LARGE', 'the body is larger than this route reads'))
    if (Number(request.headers['content-length']) > limitBytes) return tooLarge()
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // The rest is read, and dropped: who still sends would not read the answer.
      if (bytes > limitBytes) return tooLarge()
      text += decoder.write(chunk)
    })
    request.on('end', () => resolve(text + decoder.end()))
    request.on('error', reject)
  })
}
