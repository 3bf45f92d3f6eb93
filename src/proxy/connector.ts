import type { LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { tellEndToReader } from './tell-end-to-reader.ts'
import type { TlsMaterial } from './upstream-tls.ts'

/**
 * undici's way to a server. Over TLS it is always verified, whatever the environment says
 * (NODE_TLS_REJECT_UNAUTHORIZED). A server that refuses our certificate does so when the connection
 * stands already (RFC 8446 section 4.4.2.4): that error is the last one, and not the end that follows.
 * `timeout` in ms.
 */
export function createConnector(
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
      const [error, socket] = result
      if (error === null) {
        socket.on('error', (broken: NodeJS.ErrnoException) => {
          // undici would take it for the end of an answer that ends with its connection, and throw while it does not read.
          if (broken.code === 'ECONNRESET') broken.code = 'EPIPE'
          // undici would connect anew for a request that was broken off, and keep a connection that nobody has asked for.
          if (isBreakingOff(broken)) broken.code = 'UND_ERR_ABORTED'
          // Node tells the error and lets the socket live; undici would then take the end for the reason.
          socket.destroy(broken)
        })
        tellEndToReader(socket)
      }
      callback(...result)
    })
}

/** undici's word for a connection that it ends since the request on it was given up. */
function isBreakingOff({ code, message }: NodeJS.ErrnoException): boolean {
  return code === 'UND_ERR_INFO' && message === 'aborted'
}
