import { buildResponseHead, type ResponseAdditions } from './response-headers.ts'

/**
 * The head by which the client's connection becomes a WebSocket session, out of the upstream's: latin1
 * text. Its end-to-end fields pass, those of RFC 6455 among them.
 */
export function buildSwitchHead(
  raw: readonly Buffer[],
  add: Omit<ResponseAdditions, 'status'>,
): string {
  // Null stands for a transfer coding, with which it would be no answer at all.
  const { headers } = buildResponseHead(raw, { ...add, status: 101 }, NO_ANSWER)!
  let text = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (let n = 0; n < headers.length; n += 2) {
    text += `${headers[n]!}: ${headers[n + 1]!}\r\n`
  }
  return `${text}\r\n`
}

const NO_ANSWER = { close: false, trailers: false }
