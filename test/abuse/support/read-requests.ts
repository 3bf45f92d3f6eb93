import { readBody, readFields, type Fields } from '../../support/strict-message.ts'

/** A request that stands whole in a client's bytes. */
export type WholeRequest = {
  readonly method: string
  /** In origin form: scheme and authority taken off. */
  readonly target: string
  readonly body: Buffer
}

/** What a client has sent on one connection, as RFC 9112 has it. */
export type SentRequests = {
  readonly requests: readonly WholeRequest[]
  /** What stands behind them: nothing, the beginning of another one, or what cannot be one. */
  readonly rest: 'nothing' | 'part' | 'no request'
  /** The last one ends its connection: what follows it is not read. */
  readonly closes: boolean
}

/** Reads the requests that a connection's bytes hold: the judge of what an upstream may have seen. */
export function readRequests(bytes: Buffer): SentRequests {
  const requests: WholeRequest[] = []
  let at = 0
  for (;;) {
    // Empty lines before a request are ignored (RFC 9112 section 2.2).
    while (bytes[at] === 13 || bytes[at] === 10) at++
    if (at >= bytes.length) return { requests, rest: 'nothing', closes: false }
    const read = readRequest(bytes, at)
    if (read === 'cut') return { requests, rest: 'part', closes: false }
    if (typeof read === 'string') return { requests, rest: 'no request', closes: false }
    requests.push(read.request)
    if (read.closes) return { requests, rest: 'nothing', closes: true }
    at = read.end
  }
}

function readRequest(
  bytes: Buffer,
  from: number,
): { readonly request: WholeRequest; readonly closes: boolean; readonly end: number } | string {
  const line = bytes.indexOf('\r\n', from, 'latin1')
  if (line === -1) return 'cut'
  const start = /^([A-Z-]+) +(\*|\/[\x21-\x7e]*|[A-Za-z]+:\/\/[\x21-\x7e]+) +HTTP\/1\.([01])$/.exec(
    bytes.toString('latin1', from, line),
  )
  if (start === null) return 'a bad request line'
  const head = readFields(bytes, line + 2)
  if (typeof head === 'string') return head
  const { fields } = head
  const lengths = fields.get('content-length') ?? []
  const codings = fields.get('transfer-encoding') ?? []
  const isChunked = codings.length > 0
  if (isChunked && (lengths.length > 0 || codings.join().toLowerCase() !== 'chunked')) {
    return 'a bad framing'
  }
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0] ?? '0')) return 'a bad length'
  const rest = readBody(
    bytes,
    head.end,
    isChunked ? { kind: 'chunked' } : { kind: 'length', length: Number(lengths[0] ?? 0) },
  )
  if (typeof rest === 'string') return rest
  const target = start[2]!.replace(/^https?:\/\/[^/?]*/i, '')
  return {
    request: {
      method: start[1]!,
      target: target.startsWith('/') || target === '*' ? target : `/${target}`,
      body: rest.body,
    },
    closes: endsConnection(fields, start[3] === '0'),
    end: rest.end,
  }
}

function endsConnection(fields: Fields, isOld: boolean): boolean {
  const tokens = (fields.get('connection') ?? []).join(',').toLowerCase().split(',')
  const has = (token: string) => tokens.some((found) => found.trim() === token)
  return has('close') || (isOld && !has('keep-alive'))
}
