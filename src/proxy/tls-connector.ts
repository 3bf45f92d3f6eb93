import type { LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import type { TlsMaterial } from './upstream-tls.ts'

/**
 * undici's way to a server over TLS, always verified, whatever the environment says
 * (NODE_TLS_REJECT_UNAUTHORIZED). A server that refuses our certificate does so when the connection
 * stands already (RFC 8446 section 4.4.2.4): that error is the last one, and not the end that follows.
 * `timeout` in ms.
 */
export function createTlsConnector(
  tls: TlsMaterial,
  reach: { readonly timeout: number; readonly lookup: LookupFunction },
): buildConnector.connector {
  const connect = buildConnector({
    ...tls,
    ...reach,
    rejectUnauthorized: true,
    allowH2: false,
  })
  return (target, callback) =>
    connect(target, (...result) => {
      const [, socket] = result
      // Node tells the error and lets the socket live; undici would then take the end for the reason.
      socket?.on('error', (error) => socket.destroy(error))
      callback(...result)
    })
}
