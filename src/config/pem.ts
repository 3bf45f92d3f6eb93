import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'

/** What a text in PEM holds, or why it cannot be used: the end of a sentence that begins with the file. */
export type PemResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string }

/** Reads all certificates of a text, in their order: a chain (its leaf first) or authorities. */
export function parseCertificates(pem: string): PemResult<readonly X509Certificate[]> {
  const blocks = pem.match(CERTIFICATE) ?? []
  if (blocks.length === 0)
    return { ok: false, why: 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)' }
  try {
    return { ok: true, value: blocks.map((block) => new X509Certificate(block)) }
  } catch (error) {
    return { ok: false, why: `holds a certificate that is damaged: ${messageOf(error)}` }
  }
}

/** Reads the private key of a text. One with a passphrase cannot be used: nobody is there to type it. */
export function parsePrivateKey(pem: string): PemResult<KeyObject> {
  if (!PRIVATE_KEY.test(pem))
    return { ok: false, why: 'holds no private key in PEM (-----BEGIN PRIVATE KEY-----)' }
  if (ENCRYPTED.test(pem))
    return { ok: false, why: 'holds a key with a passphrase: it must have none' }
  try {
    return { ok: true, value: createPrivateKey(pem) }
  } catch (error) {
    return { ok: false, why: `holds a private key that is damaged: ${messageOf(error)}` }
  }
}

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
/** PKCS #8 says so in its first line, the older form in a field (RFC 1421 section 4.6.1.1). */
const ENCRYPTED = /BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type:.*ENCRYPTED/m

function messageOf(error: unknown): string {
  return (error as Error).message
}
