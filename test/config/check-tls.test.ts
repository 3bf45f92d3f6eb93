import { chmodSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { loadConfig, loadPlacedConfig } from '../../src/config/load.ts'
import { createAuthority } from '../support/certificates.ts'
import { checkCases, file } from './problems-of.ts'

const authority = createAuthority()
const pair = authority.issue('model.test')
const other = authority.issue('other.test')

const variant = (tls: string, upstreams = '"https://h"') =>
  file({ variants: `      v: { version: "3", upstreams: [${upstreams}], tls: { ${tls} } }` })

/** What is said about a file in this folder, without its place. */
async function problemsIn(folder: string, text: string): Promise<readonly string[]> {
  writeFileSync(`${folder}/serin.yaml`, text)
  const result = await loadConfig(`${folder}/serin.yaml`, {})
  if (result.ok) return []
  return result.problems.map(({ path, message }) => `${path}: ${message.replaceAll(folder, '.')}`)
}

function testFolder(t: Test): string {
  const passphrase = { cipher: 'aes-256-cbc', passphrase: 'p', format: 'pem' } as const
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const damaged = (name: string) => `-----BEGIN ${name}-----\nMIIB\n-----END ${name}-----\n`
  return t.testdir({
    'ca.pem': `# two authorities\n${authority.cert}${createAuthority().cert}`,
    'cert.pem': pair.cert + authority.cert,
    'reversed.pem': authority.cert + pair.cert,
    'key.pem': pair.key,
    'other-key.pem': other.key,
    'text.pem': 'hello',
    'half.pem': pair.cert + damaged('CERTIFICATE'),
    'half-key.pem': damaged('PRIVATE KEY'),
    'locked-key.pem': ec.export({ type: 'pkcs8', ...passphrase }),
    'old-locked-key.pem': rsa.export({ type: 'pkcs1', ...passphrase }),
    folder: {},
  })
}

t.test('what a variant says of TLS must mean something', (t) => {
  const half = (one: string, missing: string) =>
    `variants.v.tls.${one}: found without ${missing}: name both, or neither to show no certificate`
  checkCases(
    t,
    [
      ['ca: ca.pem'],
      ['cert: c.pem, key: k.pem, servername: model.test'],
      [''],
      ['cert: c.pem', half('cert', 'key')],
      ['key: k.pem', half('key', 'cert')],
      ['ca: ""', 'variants.v.tls.ca: found "", allowed is the path of a file'],
      ...['model_1', 'a.b-c.example'].map((name) => [`servername: ${name}`] as const),
      ...['-a', 'a b', 'a..b', 'https://a', '"[::1]"'].map(
        (name) =>
          [
            `servername: ${name}`,
            `variants.v.tls.servername: found "${name.replaceAll('"', '')}", allowed is a DNS name such as models.example.com`,
          ] as const,
      ),
      [
        'servername: 10.0.0.1',
        'variants.v.tls.servername: found "10.0.0.1", which is an address: allowed is a DNS name; without one, an upstream that is named by its address is verified by that',
      ],
    ],
    variant,
  )
  checkCases(
    t,
    [
      ['"HTTPS://h"'],
      ['"http://h:1", "https://h:2"'],
      [
        '"http://h:1", "http://h:2"',
        'variants.v.tls: no upstream of this variant is https: write https:// in upstreams, or leave tls out',
      ],
    ],
    (upstreams) => variant('ca: ca.pem', upstreams),
  )
  t.end()
})

t.test('certificates and keys are read with the file that names them', async (t) => {
  const folder = testFolder(t)
  const at = 'services.m.variants.v.tls'
  const said = (what: string) => problemsIn(folder, variant(what))
  t.same(await said('ca: ca.pem, cert: cert.pem, key: key.pem'), [])
  t.same(await said(`ca: ${folder}/ca.pem`), [])
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['ca: absent.pem', `${at}.ca: ./absent.pem is not there: name a file in PEM`],
    ['ca: folder', `${at}.ca: ./folder is a directory: name a file in PEM`],
    ['ca: text.pem/x', `${at}.ca: ./text.pem/x could not be read`],
    ['ca: text.pem', `${at}.ca: ./text.pem holds no certificate in PEM`],
    ['ca: key.pem', `${at}.ca: ./key.pem holds no certificate in PEM`],
    ['ca: half.pem', `${at}.ca: ./half.pem holds a certificate that is damaged: `],
    ['cert: cert.pem, key: cert.pem', `${at}.key: ./cert.pem holds no private key in PEM`],
    ['cert: cert.pem, key: half-key.pem', `${at}.key: ./half-key.pem holds a private key that is`],
    [
      'cert: cert.pem, key: locked-key.pem',
      `${at}.key: ./locked-key.pem holds a key with a passphrase: it must have none`,
    ],
    ['cert: cert.pem, key: old-locked-key.pem', `${at}.key: ./old-locked-key.pem holds a key with`],
    [
      'cert: cert.pem, key: other-key.pem',
      `${at}.key: ./other-key.pem is not the key of the first certificate in ./cert.pem: name`,
    ],
    ['cert: reversed.pem, key: key.pem', `${at}.key: ./key.pem is not the key of the first`],
    [
      'ca: absent.pem, cert: text.pem, key: text.pem',
      `${at}.ca: ./absent.pem is not there`,
      `${at}.cert: ./text.pem holds no certificate`,
      `${at}.key: ./text.pem holds no private key`,
    ],
  ]
  for (const [what, ...problems] of cases) t.match(await said(what), problems, what)
  chmodSync(`${folder}/key.pem`, 0)
  if (process.getuid?.() !== 0) {
    t.match(await said('cert: cert.pem, key: key.pem'), [/may not be read by this process/])
  }
})

t.test('a certificate whose time is over or has not come is warned of', async (t) => {
  const folder = testFolder(t)
  const warned = async (text: string, now?: number) => {
    writeFileSync(`${folder}/serin.yaml`, text)
    const given = now === undefined ? {} : { now }
    const { result } = await loadPlacedConfig(`${folder}/serin.yaml`, {}, given)
    if (!result.ok) throw new Error('it has problems')
    return result.warnings
      .filter(({ message }) => message.includes('certificate'))
      .map(({ line, path, message }) => `${line}: ${path}: ${message.replace(folder, '.')}`)
  }
  const port = file({ gateway: ', tls: { cert: cert.pem, key: key.pem }' })
  const own = variant('ca: ca.pem, cert: cert.pem, key: key.pem')
  for (const [text, path] of [
    [port, 'gateway.tls.cert'],
    [own, 'services.m.variants.v.tls.cert'],
  ] as const) {
    t.same(await warned(text, Date.UTC(2020, 0, 1)), [], 'its first moment')
    t.same(await warned(text, Date.UTC(2049, 11, 31)), [], 'its last one')
    t.match(await warned(text, Date.UTC(2049, 11, 31) + 1), [
      `: ${path}: the certificate in ./cert.pem has expired (2049-12-31T00:00:00.000Z): others refuse it`,
    ])
    t.match(await warned(text, Date.UTC(2020, 0, 1) - 1), [
      `: ${path}: the certificate in ./cert.pem is not valid before 2020-01-01T00:00:00.000Z: others`,
    ])
    t.same(await warned(text), [], 'nobody said what time it is')
  }
})

t.test('the data port has a pair of its own', async (t) => {
  const folder = testFolder(t)
  const said = (tls: string) => problemsIn(folder, file({ gateway: `, tls: { ${tls} }` }))
  t.same(await said('cert: cert.pem, key: key.pem'), [])
  t.match(await said('cert: cert.pem'), [/^gateway.tls.key: is missing/])
  t.match(await said('cert: cert.pem, key: other-key.pem'), [/^gateway.tls.key: .* is not the key/])
  t.match(await said('cert: absent.pem, key: key.pem'), [/^gateway.tls.cert: .* is not there/])
})
