import { resolve } from 'node:path'
import type { RedisStoreConfig, StoreConfig } from './config.ts'

const REDIS_PORT = 6379
const SENTINEL_PORT = 26_379
const DEFAULT_PREFIX = 'serin'
const OPTIONS: readonly string[] = ['prefix', 'sentinel', 'ca']

/** What an address in Redis may look like. */
export const REDIS_FORM =
  'redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?prefix=NAME&sentinel=MASTER&ca=FILE] (rediss: TLS)'

/**
 * What `store` means: a folder, or an address in Redis. Relative files start at `folder`. A text that means
 * nothing gives the reason, without the text.
 */
export function parseStore(text: string, folder: string): StoreConfig | { readonly wrong: string } {
  if (text.startsWith('lmdb:')) {
    return { engine: 'lmdb', path: resolve(folder, text.slice('lmdb:'.length)) }
  }
  // Up to the last @, so that a password may hold the other marks of an address.
  const parts = /^redis(s?):\/\/(?:(.*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text)
  if (parts === null) return { wrong: `allowed is ${REDIS_FORM}` }
  const [, tls, user, hosts, db, query] = parts
  const options = new URLSearchParams(query ?? '')
  const unknown = [...options.keys()].find((key) => !OPTIONS.includes(key))
  if (unknown !== undefined) {
    return { wrong: `option ${JSON.stringify(unknown)} is none of ${OPTIONS.join(', ')}` }
  }
  const sentinel = options.get('sentinel')
  const servers = hosts!
    .split(',')
    .map((host) => parseServer(host, sentinel === null ? REDIS_PORT : SENTINEL_PORT))
  if (!areAllFound(servers)) return { wrong: 'a server is HOST or HOST:PORT, ports up to 65535' }
  if (servers.length > 1 && sentinel === null) {
    return {
      wrong: 'several servers are sentinels: name the master that they watch, ?sentinel=MASTER',
    }
  }
  if (!/^(0|[1-9]\d{0,4})?$/.test(db ?? '')) {
    return { wrong: 'the database is a number, as in redis://HOST:PORT/0' }
  }
  const prefix = options.get('prefix') ?? DEFAULT_PREFIX
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(prefix)) {
    return { wrong: 'the prefix is at most 64 letters, digits, dots, dashes and underscores' }
  }
  const login = parseUser(user)
  if ('wrong' in login) return login
  const ca = options.get('ca')
  if (ca !== null && tls === '') return { wrong: 'ca is for rediss:// (TLS) alone' }
  return {
    engine: 'redis',
    tls: tls === 's',
    servers,
    sentinel,
    db: Number(db ?? 0),
    ...login,
    prefix,
    ca: ca === null ? null : resolve(folder, ca),
  }
}

type Server = RedisStoreConfig['servers'][number]

function parseServer(text: string, defaultPort: number): Server | null {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\],]+))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(parts?.[3] ?? defaultPort)
  return parts === null || port < 1 || port > 65_535 ? null : { host: parts[1] ?? parts[2]!, port }
}

function areAllFound(servers: readonly (Server | null)[]): servers is readonly Server[] {
  return servers.every((server) => server !== null)
}

function parseUser(
  text: string | undefined,
): Pick<RedisStoreConfig, 'username' | 'password'> | { readonly wrong: string } {
  if (text === undefined) return { username: null, password: null }
  const [, user, password] = /^([^:]*):?(.*)$/.exec(text)!
  if (password === '') return { wrong: 'before the @ stands USER:PASSWORD, or :PASSWORD alone' }
  try {
    const username = user === '' ? null : decodeURIComponent(user!)
    return { username, password: decodeURIComponent(password!) }
  } catch {
    return { wrong: 'in a user or password a % is written %25' }
  }
}
