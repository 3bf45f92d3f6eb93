import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate and its private key, both in PEM. */
export type Pair = { readonly cert: string; readonly key: string }

/** An authority of the tests. */
export type Authority = Pair & {
  /** Certifies a new key for these DNS names and IPv4 addresses. */
  readonly issue: (...names: readonly string[]) => Pair
}

/** Makes an authority that nobody knows. Certificates are written here, so that no program is needed for it. */
export function createAuthority(name = 'authority of the tests'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const build = (subject: string, publicKey: KeyObject, extensions: readonly Buffer[]) =>
    buildCertificate({ issuer: name, subject, publicKey, extensions, signer: keys.privateKey })
  return {
    cert: build(name, keys.publicKey, [BASIC_CONSTRAINTS_CA]),
    key: toPem(keys.privateKey),
    issue: (...names) => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const cert = build(names[0]!, own.publicKey, [subjectAltNames(names)])
      return { cert, key: toPem(own.privateKey) }
    },
  }
}

/** X.509 version 3 (RFC 5280 section 4.1), signed by ECDSA with SHA-256. */
function buildCertificate(parts: {
  readonly issuer: string
  readonly subject: string
  readonly publicKey: KeyObject
  readonly extensions: readonly Buffer[]
  readonly signer: KeyObject
}): string {
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    sequence(ECDSA_WITH_SHA256),
    commonName(parts.issuer),
    sequence(utcTime('200101000000Z'), utcTime('491231000000Z')),
    commonName(parts.subject),
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...parts.extensions)),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', toBeSigned, parts.signer)])
  const whole = sequence(toBeSigned, sequence(ECDSA_WITH_SHA256), der(0x03, signature))
  const lines = whole
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function commonName(name: string): Buffer {
  const oid = Buffer.from('0603550403', 'hex')
  return sequence(der(0x31, sequence(oid, der(0x0c, Buffer.from(name)))))
}

function utcTime(text: string): Buffer {
  return der(0x17, Buffer.from(text))
}

function subjectAltNames(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    isIP(name) === 4
      ? der(0x87, Buffer.from(name.split('.').map(Number)))
      : der(0x82, Buffer.from(name)),
  )
  return sequence(Buffer.from('0603551d11', 'hex'), der(0x04, sequence(...each)))
}

const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
/** Critical, `CA:TRUE`. */
const BASIC_CONSTRAINTS_CA = Buffer.from('300f0603551d130101ff040530030101ff', 'hex')
