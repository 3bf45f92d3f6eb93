import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Checker } from './checker.ts'
import { parseCertificates, parsePrivateKey, type PemResult } from './pem.ts'
import type { ConfigPath } from './problem.ts'
import { describeInvalidity, validityOf } from './validity.ts'

/**
 * Reads the certificates and keys that a configuration names, so that one that cannot be used is refused
 * before anything depends on it. `folder`: where relative paths begin. `now`: epoch ms, to warn of those whose time
 * is over or has not come; null = not looked at.
 */
export function checkTlsFiles(checker: Checker, folder: string, now: number | null): void {
  checkPair(checker, ['gateway', 'tls'], folder, now)
  for (const service of checker.keys(['services']))
    for (const variant of checker.keys(['services', service, 'variants'])) {
      const tls = ['services', service, 'variants', variant, 'tls']
      readPem(checker, [...tls, 'ca'], folder, parseCertificates)
      checkPair(checker, tls, folder, now)
    }
}

function checkPair(checker: Checker, tls: ConfigPath, folder: string, now: number | null): void {
  const certificates = readPem(checker, [...tls, 'cert'], folder, parseCertificates)
  const key = readPem(checker, [...tls, 'key'], folder, parsePrivateKey)
  if (certificates === null) return
  const cert = resolve(folder, checker.read<string>([...tls, 'cert'])!)
  const invalid = now === null ? null : describeInvalidity(validityOf(certificates[0]!), now)
  if (invalid !== null) {
    checker.warn([...tls, 'cert'], `the certificate in ${cert} ${invalid}: others refuse it`)
  }
  if (key === null || certificates[0]!.checkPrivateKey(key)) return
  const file = resolve(folder, checker.read<string>([...tls, 'key'])!)
  checker.problem(
    [...tls, 'key'],
    `${file} is not the key of the first certificate in ${cert}: name the two files of one pair, the server's own certificate first`,
  )
}

/** Null: it is not named, or was refused. */
function readPem<T>(
  checker: Checker,
  path: ConfigPath,
  folder: string,
  parse: (pem: string) => PemResult<T>,
): T | null {
  const named = checker.read<string>(path)
  if (named === undefined) return null
  const file = resolve(folder, named)
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    checker.problem(path, `${file} ${explain(error as NodeJS.ErrnoException)}: name a file in PEM`)
    return null
  }
  const result = parse(pem)
  if (result.ok) return result.value
  checker.problem(path, `${file} ${result.why}`)
  return null
}

function explain(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'is not there'
    case 'EISDIR':
      return 'is a directory'
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this process'
    default:
      return `could not be read (${error.message})`
  }
}
