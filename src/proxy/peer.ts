import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import ipaddr from 'ipaddr.js'

/** The other end of a client's connection. */
export type Peer = {
  /** Normal text form; IPv4 as such even where it came mapped into IPv6. */
  readonly address: string
  /** Its `X-Forwarded-*` fields are believed. */
  readonly isTrusted: boolean
  /** How it speaks to us. */
  readonly proto: 'http' | 'https'
}

/** Knows which peers are trusted proxies. */
class PeerReader {
  readonly #isTrusted: (address: string) => boolean
  readonly #peers = new WeakMap<Socket, Peer>()

  /** `trustedProxies`: valid CIDRs (`10.0.0.0/8`) or single addresses. */
  constructor(trustedProxies: readonly string[]) {
    const networks = trustedProxies.map(parseNetwork)
    this.#isTrusted = (address) => networks.some((network) => contains(network, address))
  }

  /** The peer of a connection; worked out once per connection. */
  read(socket: Socket): Peer {
    let peer = this.#peers.get(socket)
    if (peer === undefined) {
      const address = normalise(socket.remoteAddress ?? '') ?? ''
      const proto = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
      peer = { address, isTrusted: this.#isTrusted(address), proto }
      this.#peers.set(socket, peer)
    }
    return peer
  }

  /**
   * The client's address: the peer's own, unless that is a trusted proxy; then the last entry of
   * `X-Forwarded-For` that no trusted proxy stands behind. An entry that is no address ends the search:
   * whatever stands before it could be invented.
   */
  clientAddress(peer: Peer, forwardedFor: string | undefined): string {
    if (!peer.isTrusted || forwardedFor === undefined) return peer.address
    let client = peer.address
    for (const entry of forwardedFor.split(',').reverse()) {
      const address = normalise(stripPort(entry.trim()))
      if (address === null) return client
      client = address
      if (!this.#isTrusted(address)) return client
    }
    return client
  }
}

/** Looks up who sent a request. */
export type PeerLookup = {
  readonly peerOf: (req: IncomingMessage) => Peer
  /** The peer's address, or the one that a trusted proxy gives. */
  readonly clientAddressOf: (req: IncomingMessage) => string
}

/** A lookup that follows the trusted proxies of a configuration that may be replaced. */
export function createPeerLookup(trustedProxies: () => readonly string[]): PeerLookup {
  let known = trustedProxies()
  let reader = new PeerReader(known)
  const current = () => {
    if (trustedProxies() !== known) {
      known = trustedProxies()
      reader = new PeerReader(known)
    }
    return reader
  }
  return {
    peerOf: (req) => current().read(req.socket),
    clientAddressOf: (req) => {
      // Node joins lines of this name into one string.
      const forwardedFor = req.headers['x-forwarded-for'] as string | undefined
      return current().clientAddress(current().read(req.socket), forwardedFor)
    },
  }
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

function parseNetwork(cidr: string): Network {
  if (cidr.includes('/')) return ipaddr.parseCIDR(cidr)
  const address = ipaddr.parse(cidr)
  return [address, address.toByteArray().length * 8]
}

function contains(network: Network, address: string): boolean {
  if (address === '') return false
  const parsed = ipaddr.parse(address)
  // match() throws on two address families.
  return parsed.kind() === network[0].kind() && parsed.match(network)
}

/** Null when it is no address. */
function normalise(address: string): string | null {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : null
}

/** `1.2.3.4:80` and `[::1]:80` without their port, `[::1]` without brackets (RFC 7239 section 6 allows both). */
function stripPort(entry: string): string {
  if (entry.startsWith('[')) return entry.slice(1, Math.max(entry.indexOf(']'), 1))
  const colon = entry.indexOf(':')
  return colon !== -1 && colon === entry.lastIndexOf(':') ? entry.slice(0, colon) : entry
}
