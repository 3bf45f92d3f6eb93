/** What the name of a process is made of. */
export type NamedProcess = {
  readonly host: string
  readonly pid: number
  /** Containers on several machines may share a name and a pid. */
  readonly id: string
  /** Where its admin API listens; port 0 = it is not known yet. */
  readonly admin: { readonly host: string; readonly port: number }
}

/**
 * The name that a process has among those that share its store: `HOST:PID:ID@ADMIN`. ADMIN has no colon in it, so that
 * earlier versions read it as a part of the ID. It is absent for port 0.
 */
export function nameProcess({ host, pid, id, admin }: NamedProcess): string {
  if (admin.port === 0) return `${host}:${pid}:${id}`
  const anywhere = admin.host === '0.0.0.0' || admin.host === '::'
  const at = anywhere ? host : admin.host
  const address = `${at.includes(':') ? `[${at}]` : at}:${admin.port}`
  return `${host}:${pid}:${id}@${encodeURIComponent(address)}`
}

/** A process as people know it, from its name; other names stand for themselves. */
export function describeProcess(name: string): string {
  const { host, pid } = partsOf(name)
  return host === undefined ? name : `process ${pid} on ${host}`
}

/**
 * Where people ask a process: the origin of its admin API, and the host that this has to be done on, where it is not
 * reached from others; null = its name does not say it.
 */
export function adminOfProcess(
  name: string,
): { readonly origin: string; readonly onHost: string | null } | null {
  const { host, admin } = partsOf(name)
  if (host === undefined || admin === undefined) return null
  const address = decode(admin)
  return address === null
    ? null
    : { origin: `http://${address}`, onHost: LOOPBACK.test(address) ? host : null }
}

const LOOPBACK = /^(?:127\.|\[::1\]|localhost:)/i

function partsOf(name: string): Readonly<Partial<Record<'host' | 'pid' | 'admin', string>>> {
  return /^(?<host>.+):(?<pid>\d+):[^:@]*(?:@(?<admin>[^:]*))?$/.exec(name)?.groups ?? {}
}

// Another program may write into the store, too.
function decode(text: string): string | null {
  try {
    const address = decodeURIComponent(text)
    return /^[\w.[\]:-]+$/.test(address) ? address : null
  } catch {
    return null
  }
}
