import { fc } from '../../support/fast-check.ts'
import { RawConnection } from '../../support/raw-client.ts'
import { readAnswers, type StrictAnswer } from '../../support/strict-answers.ts'
import { buildBytes, HOSTILE_ANSWERS, type HostileAnswer } from './hostile-upstream.ts'
import { OUT_OF_TIME } from './run-cases.ts'
import type { Stage } from './stage.ts'

/** One well-behaved connection, and what the upstream answers to each of its requests. */
export const UPSTREAM_CASES = fc.array(
  fc.record({
    method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD'),
    version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
    takesTrailers: fc.boolean(),
    answer: HOSTILE_ANSWERS,
  }),
  { minLength: 1, maxLength: 3 },
)

type Asked = (typeof UPSTREAM_CASES extends fc.Arbitrary<infer T> ? T : never)[number]

/** Longest wait for an answer: the longest phase and what a busy machine needs. */
const LONGEST_MS = 15_000

/** Sends the requests one after the other; gives what is wrong with what came back. */
export async function runUpstreamCase(
  stage: Stage,
  plans: Map<string, HostileAnswer>,
  asked: readonly Asked[],
): Promise<readonly string[]> {
  const connection = new RawConnection(stage.gateway.port)
  const faults: string[] = []
  let from = 0
  for (const one of asked) {
    const nonce = stage.nonces.next()
    plans.set(nonce, one.answer)
    connection.send(writeRequest(one, nonce))
    const read = () =>
      readAnswers(connection.bytes.subarray(from), [one.method], connection.isClosed)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      connection.close()
    }, LONGEST_MS)
    await connection.until(() => read().answers.length > 0 || read().fault !== null)
    clearTimeout(timer)
    plans.delete(nonce)
    const { answers, fault } = read()
    const foreign = stage.nonces.foreign(connection.bytes.subarray(from), nonce)
    const wrong = [
      ...(isLate ? ['neither answered nor closed'] : []),
      ...(fault === null ? [] : [fault]),
      ...(foreign.length > 0 ? [`the answer names ${foreign.join()}`] : []),
      ...judge(one, buildBytes(one.answer, nonce), answers[0]),
    ]
    if (wrong.length > 0) {
      const received = JSON.stringify(
        connection.bytes.subarray(from).toString('latin1').slice(0, 600),
      )
      const bytes = JSON.stringify(buildBytes(one.answer, nonce).toString('latin1').slice(0, 1_500))
      const plan = JSON.stringify({ ...one, answer: { ...one.answer, text: '' } })
      faults.push(`${wrong.join('; ')}: ${plan}; upstream sent ${bytes}, received ${received}`)
    }
    if (answers.length === 0 || answers[0]!.closes || wrong.length > 0) break
    from += answers[0]!.end
  }
  connection.close()
  return faults
}

function writeRequest({ method, version, takesTrailers }: Asked, nonce: string): string {
  const body = method === 'POST' ? '{"user":"u"}' : ''
  const lines = [`${method} /m/${nonce}/x HTTP/${version}`, 'Host: a']
  if (version === '1.0') lines.push('Connection: keep-alive')
  if (takesTrailers) lines.push('TE: trailers')
  if (body !== '') lines.push(`Content-Length: ${body.length}`)
  return [...lines, '', body].join('\r\n')
}

/** A whole answer is the one that the upstream sent, or serin's own error. */
function judge(
  { method, version, answer }: Asked,
  bytes: Buffer,
  received: StrictAnswer | undefined,
): readonly string[] {
  const sent = readAnswers(bytes, [method], answer.then !== 'keep')
  const whole = sent.answers[0]
  const isIntact = answer.mutations.length === 0 && !answer.isEarly
  if (received === undefined || received.fields.has('x-serin-error')) {
    const fields = received?.fields
    const isMarked = fields === undefined || fields.has('proxy-status')
    const isExpected = [502, 504].includes(received?.status ?? 502)
    if (!isMarked || !isExpected) return [`an error ${received?.status} that is not the upstream's`]
    if (!isIntact || whole === undefined || answer.then === 'reset') return []
    return [received?.status === 504 ? OUT_OF_TIME : 'not answered']
  }
  // Where our reading is stricter than llhttp's, there is nothing to compare with.
  if (whole === undefined) return []
  if (received.status !== whole.status) return [`status ${received.status}, not ${whole.status}`]
  if (received.body.equals(whole.body)) return []
  // HTTP/1.0 ends a body without a length by closing: there an answer can break off unseen.
  const isDelimited = received.fields.has('content-length') || version !== '1.0'
  const isBeginning = whole.body.subarray(0, received.body.length).equals(received.body)
  return !isDelimited && isBeginning ? [] : ['not the body that the upstream sent']
}
