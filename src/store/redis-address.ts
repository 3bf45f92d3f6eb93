/** Where a store in Redis is and how to get in. */
export type RedisAddress = {
  /** TLS to the server, and to the sentinels. */
  readonly tls: boolean
  /** The server; with `sentinel` the sentinels that know where it is. */
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  /** Name of the master that the sentinels watch; null = `servers` is the server itself. */
  readonly sentinel: string | null
  /** Number of the database. */
  readonly db: number
  readonly username: string | null
  readonly password: string | null
  /** All keys begin with `{prefix}:`. */
  readonly prefix: string
  /** File with the certificates that the server's must go back to, PEM; null = those that Node.js trusts. */
  readonly ca: string | null
}

/** The address for a message: never the password. */
export function describeRedis({ servers, sentinel, db }: RedisAddress): string {
  const places = servers.map(({ host, port }) => `${host}:${port}`).join(',')
  return sentinel === null ? `${places}/${db}` : `${sentinel} of sentinels ${places}/${db}`
}
