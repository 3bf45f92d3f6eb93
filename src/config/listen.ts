import ipaddr from 'ipaddr.js'
import type { Listen } from './config.ts'

/** Reads `0.0.0.0:8080`, `localhost:8080` or `[::1]:8080`; null when the port is above 65535. */
export function parseListen(text: string): Listen | null {
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return port <= 65_535 ? { host, port } : null
}

/**
 * Whether only processes of this machine reach an address or a name, without port and brackets. Of names only
 * `localhost` is such (RFC 6761 §6.3, RFC 1122 §3.2.1.3).
 */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

/** Whether a text is an IP address or a CIDR (`10.0.0.0/8`). */
export function isAddressRange(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text)
}
