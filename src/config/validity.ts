import type { X509Certificate } from 'node:crypto'

/** When a certificate is valid (RFC 5280 section 4.1.2.5), in epoch ms. */
export type Validity = { readonly notBefore: number; readonly notAfter: number }

/** Reads it out of a certificate. */
export function validityOf({
  validFrom,
  validTo,
}: Pick<X509Certificate, 'validFrom' | 'validTo'>): Validity {
  return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) }
}

/** Why whoever looks at its time refuses it at `now` (epoch ms), as the end of a sentence; null = they do not. */
export function describeInvalidity({ notBefore, notAfter }: Validity, now: number): string | null {
  if (now > notAfter) return `has expired (${new Date(notAfter).toISOString()})`
  if (now < notBefore) return `is not valid before ${new Date(notBefore).toISOString()}`
  return null
}
