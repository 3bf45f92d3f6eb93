import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { UpstreamTls } from '../domain/variant.ts'

/** Node's own names for what a TLS connection is made with (`tls.connect`). */
export type TlsMaterial = {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

/**
 * Reads the certificates that an upstream is verified by, and those that we show. Without them the
 * system's authorities verify it: certificates are always verified. Throws when a file cannot be read or
 * used: the configuration was checked, but files may be replaced since.
 */
export function readUpstreamTls(tls: UpstreamTls | null): TlsMaterial {
  if (tls === null) return {}
  const material = {
    ...(tls.ca === null ? {} : { ca: readFileSync(tls.ca, 'utf8') }),
    ...(tls.cert === null ? {} : { cert: readFileSync(tls.cert, 'utf8') }),
    ...(tls.key === null ? {} : { key: readFileSync(tls.key, 'utf8') }),
    ...(tls.servername === null ? {} : { servername: tls.servername }),
  }
  createSecureContext(material)
  return material
}
