import { createHmac } from 'node:crypto'

/**
 * The value of `x-serin-signature`: `t=SECONDS,v1=HEX`, HEX being HMAC-SHA-256 (RFC 2104) under the secret
 * over the seconds, a dot and the body. The time is signed too, so that a receiver can refuse what is old.
 */
export function sign(secret: string, unixSeconds: number, body: string): string {
  const mac = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return `t=${unixSeconds},v1=${mac}`
}
