import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type Server, type TlsOptions } from 'node:tls'
import type { Logger } from 'pino'
import { describeInvalidity, validityOf, type Validity } from '../config/validity.ts'
import type { Clock } from '../domain/clock.ts'

/** Where the certificate chain and its key lie, in PEM. */
export type CertificateFiles = { readonly cert: string; readonly key: string }

/** What a certificate was read anew as: nothing changes before `serve()`. */
export type Renewal = {
  readonly isNew: boolean
  /** New connections are served with it; those that exist go on. */
  readonly serve: () => void
}

/** What a certificate's time is held against, and who hears of one that is out of time. */
export type CertificateDeps = {
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Logger, 'warn'>
}

/** The certificate of these files, read; null = the data port has none. Throws as its constructor does. */
export function openCertificate(
  files: CertificateFiles | null,
  deps: CertificateDeps,
): ServedCertificate | null {
  return files === null ? null : new ServedCertificate(files, deps)
}

/** The certificate that the data port shows, which may be renewed while it listens. */
export class ServedCertificate {
  readonly #files: CertificateFiles
  readonly #deps: CertificateDeps
  #options: TlsOptions
  #validity: Validity
  readonly #servers = new Set<Server>()

  /** Reads the files; throws when they cannot be read or are no pair. Later ones that are out of time are logged. */
  constructor(files: CertificateFiles, deps: CertificateDeps) {
    this.#files = files
    this.#deps = deps
    this.#options = readPair(files)
    this.#validity = readValidity(this.#options)
  }

  /** When the one that is shown expires, in epoch ms. */
  get notAfter(): number {
    return this.#validity.notAfter
  }

  /** Why clients refuse the one that is shown now, as a sentence; null = not for its time. */
  readonly describe = (): string | null => {
    const invalid = describeInvalidity(this.#validity, this.#deps.clock.now())
    return invalid === null ? null : `the certificate of gateway.tls ${invalid}: clients refuse it`
  }

  /** What a server is made with; it must be given to `add`. */
  get options(): TlsOptions {
    return this.#options
  }

  /** This server is told of renewals. */
  add(server: Server): void {
    this.#servers.add(server)
    server.once('close', () => this.#servers.delete(server))
  }

  /** Reads the files again; throws when they cannot be read or are no pair. */
  read(): Renewal {
    const options = readPair(this.#files)
    const isNew = options.cert !== this.#options.cert || options.key !== this.#options.key
    return {
      isNew,
      serve: () => {
        if (!isNew) return
        this.#options = options
        this.#validity = readValidity(options)
        for (const server of this.#servers) server.setSecureContext(options)
        const warning = this.describe()
        if (warning !== null) {
          this.#deps.log.warn({ warning }, 'the configuration deserves a second look')
        }
      },
    }
  }
}

function readPair({ cert, key }: CertificateFiles): TlsOptions {
  const options: TlsOptions = {
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
    minVersion: 'TLSv1.2',
  }
  createSecureContext(options)
  return options
}

/** Of the server's own certificate, which comes first. */
function readValidity({ cert }: TlsOptions): Validity {
  return validityOf(new X509Certificate(cert as string))
}
