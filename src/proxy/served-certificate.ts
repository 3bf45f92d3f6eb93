import { readFileSync } from 'node:fs'
import { createSecureContext, type Server, type TlsOptions } from 'node:tls'

/** Where the certificate chain and its key lie, in PEM. */
export type CertificateFiles = { readonly cert: string; readonly key: string }

/** What a certificate was read anew as: nothing changes before `serve()`. */
export type Renewal = {
  readonly isNew: boolean
  /** New connections are served with it; those that exist go on. */
  readonly serve: () => void
}

/** The certificate that the data port shows, which may be renewed while it listens. */
export class ServedCertificate {
  readonly #files: CertificateFiles
  #options: TlsOptions
  readonly #servers = new Set<Server>()

  /** Reads the files; throws when they cannot be read or are no pair. */
  constructor(files: CertificateFiles) {
    this.#files = files
    this.#options = readPair(files)
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
        for (const server of this.#servers) server.setSecureContext(options)
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
