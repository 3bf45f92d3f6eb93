import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * Has a request served as if it had not asked for an upgrade, which RFC 9110 section 7.8 allows: its head
 * is put back before the bytes that followed, less what asks, and a fresh parser of the server's reads on
 * from there. So its body, the requests after it and all limits are those of any other request. For
 * Node before 22.21 and 24.9: with a listener for upgrades, every request that asks for one (Java's
 * HttpClient does, to HTTP/2, with every request) loses its parser.
 *
 * The request must have been validated, and the socket be without listeners.
 */
export function ignoreUpgrade(server: Server, req: IncomingMessage, socket: Socket): void {
  socket.unshift(Buffer.from(headWithoutUpgrade(req), 'latin1'))
  // On a TLS server the first is the event of the connection below.
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket)
}

/** The head as latin1 text: the lines as they came, without the wish for another protocol. */
export function headWithoutUpgrade(req: IncomingMessage): string {
  const raw = req.rawHeaders
  let head = `${req.method!} ${req.url!} HTTP/${req.httpVersion}\r\n`
  for (let n = 0; n < raw.length; n += 2) {
    const name = raw[n]!.toLowerCase()
    if (ASKING.has(name)) continue
    const value = name === 'connection' ? withoutAsking(raw[n + 1]!) : raw[n + 1]!
    if (value !== '' || name !== 'connection') head += `${raw[n]!}: ${value}\r\n`
  }
  return `${head}\r\n`
}

/** Fields that ask for an upgrade, and the options of Connection that go with them (RFC 7540 section 3.2.1). */
const ASKING: ReadonlySet<string> = new Set(['upgrade', 'http2-settings'])

function withoutAsking(connection: string): string {
  const kept = connection.split(',').filter((option) => !ASKING.has(option.trim().toLowerCase()))
  return kept.join(',').trim()
}
