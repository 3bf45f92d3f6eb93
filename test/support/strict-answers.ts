import { readBody, readFields, type Fields, type Framed } from './strict-message.ts'

/** One final answer, read as RFC 9112 has it and nothing more lenient. */
export type StrictAnswer = {
  readonly status: number
  readonly fields: Fields
  /** Chunks joined. */
  readonly body: Buffer
  readonly trailers: Fields
  /** The connection ends with it. */
  readonly closes: boolean
  /** Where its bytes end. */
  readonly end: number
}

/** What a connection's bytes are. */
export type StrictReading = {
  /** Final answers that are complete, in order; 1xx answers are checked and left out. */
  readonly answers: readonly StrictAnswer[]
  /** An answer has begun and is not complete. */
  readonly isCut: boolean
  /** What no answer may be; null = all is well-formed. */
  readonly fault: string | null
}

/**
 * Reads everything that a client received on one connection. `methods`: those of its requests, in order; a
 * further answer is one to a request without a name. `isClosed`: no more bytes will come.
 */
export function readAnswers(
  bytes: Buffer,
  methods: readonly string[],
  isClosed: boolean,
): StrictReading {
  const answers: StrictAnswer[] = []
  let at = 0
  while (at < bytes.length) {
    if (answers.at(-1)?.closes === true) {
      return { answers, isCut: false, fault: `bytes after the last answer: ${quote(bytes, at)}` }
    }
    const read = readAnswer(bytes, at, methods[answers.length] ?? 'GET', isClosed)
    if (read === 'cut') return { answers, isCut: true, fault: null }
    if (typeof read === 'string') {
      return {
        answers,
        isCut: false,
        fault: `${read} in answer ${answers.length}: ${quote(bytes, at)}`,
      }
    }
    at = read.end
    if (read.status === 101) return { answers: [...answers, read], isCut: false, fault: null }
    if (read.status >= 200) answers.push(read)
  }
  return { answers, isCut: false, fault: null }
}

/** A string: `cut` where more bytes are needed, or what is wrong. */
function readAnswer(
  bytes: Buffer,
  from: number,
  method: string,
  isClosed: boolean,
): StrictAnswer | string {
  const line = bytes.indexOf('\r\n', from, 'latin1')
  if (line === -1) return 'cut'
  const start = bytes.toString('latin1', from, line)
  const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(start)?.[1])
  if (Number.isNaN(status)) return 'a bad status line'
  const head = readFields(bytes, line + 2)
  if (typeof head === 'string') return head
  const { fields } = head
  const closes = (fields.get('connection') ?? []).some((value) => /\bclose\b/i.test(value))
  const framed = frameAnswer(fields, status, method)
  if (typeof framed === 'string') return framed
  if (framed === null) {
    if (!closes) return 'a body without end'
    if (!isClosed) return 'cut'
    const body = bytes.subarray(head.end)
    return { status, fields, body, trailers: new Map(), closes, end: bytes.length }
  }
  const rest = readBody(bytes, head.end, framed)
  if (typeof rest === 'string') return rest
  return { status, fields, closes, ...rest }
}

/** RFC 9112 section 6.3, for answers. Null: the body ends with the connection. */
function frameAnswer(fields: Fields, status: number, method: string): Framed | string | null {
  const lengths = fields.get('content-length') ?? []
  const codings = fields.get('transfer-encoding') ?? []
  if (lengths.length > 1) return 'two lengths'
  if (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0]!)) return 'a bad length'
  if (codings.length > 0 && lengths.length > 0) return 'a length beside a transfer coding'
  if (codings.length > 1 || (codings.length === 1 && codings[0] !== 'chunked'))
    return 'a bad coding'
  const isHeadAlone = status < 200 || status === 204
  if (isHeadAlone && (lengths.length > 0 || codings.length > 0)) return 'framing without a body'
  if (isHeadAlone || status === 304 || method === 'HEAD') return { kind: 'length', length: 0 }
  if (codings.length === 1) return { kind: 'chunked' }
  if (lengths.length === 1) return { kind: 'length', length: Number(lengths[0]) }
  return null
}

function quote(bytes: Buffer, at: number): string {
  return JSON.stringify(bytes.toString('latin1', at, at + 200))
}
