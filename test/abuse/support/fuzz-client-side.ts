import { fc } from '../../support/fast-check.ts'
import { RawConnection } from '../../support/raw-client.ts'
import { readAnswers, type StrictAnswer } from '../../support/strict-answers.ts'
import { digestOf, echoBody } from './echo-upstream.ts'
import { FRAGMENTS, writeFragments } from './fragments.ts'
import { MUTATIONS, mutate } from './mutations.ts'
import { named } from './nonce.ts'
import { readRequests, type SentRequests } from './read-requests.ts'
import { REQUEST_CORPUS } from './request-corpus.ts'
import type { Stage } from './stage.ts'

/** One hostile connection to the gateway. */
export const CLIENT_CASES = fc.record({
  text: fc.constantFrom(...REQUEST_CORPUS),
  mutations: MUTATIONS,
  fragments: FRAGMENTS,
  /** The client leaves without waiting for anything. */
  leaves: fc.nat({ max: 9 }).map((n) => n === 0),
})

export type ClientCase = typeof CLIENT_CASES extends fc.Arbitrary<infer T> ? T : never

/** Longest life of a connection after its last byte: Node looks for slow heads every two seconds. */
const LONGEST_MS = 15_000

/** Sends one mutated byte string; gives what is wrong with what came back. */
export async function runClientCase(
  stage: Stage,
  { text, mutations, fragments, leaves }: ClientCase,
): Promise<readonly string[]> {
  const nonce = stage.nonces.next()
  const bytes = mutate(named(text, nonce), mutations)
  const sent = readRequests(bytes)
  stage.allow(sent.requests)
  const connection = new RawConnection(stage.gateway.port)
  await writeFragments(connection.socket, bytes, fragments)
  if (leaves) {
    connection.close()
    return []
  }
  const methods = sent.requests.map(({ method }) => method)
  const mayStay = sent.rest === 'nothing' && !sent.closes
  const isEnough = (received: Buffer) =>
    mayStay && readAnswers(received, methods, false).answers.length >= methods.length
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    connection.close()
  }, LONGEST_MS)
  await connection.until(isEnough)
  clearTimeout(timer)
  const faults = isLate ? ['neither answered nor closed'] : []
  faults.push(...judge(connection, sent, mutations.length === 0))
  const foreign = stage.nonces.foreign(connection.bytes, nonce)
  if (foreign.length > 0) faults.push(`the answers name ${foreign.join()}`)
  connection.close()
  if (faults.length === 0) return []
  const received = JSON.stringify(connection.text.slice(0, 1_000))
  return [
    `${faults.join('; ')}: sent ${JSON.stringify(bytes.toString('latin1'))}, received ${received}`,
  ]
}

function judge(connection: RawConnection, sent: SentRequests, isIntact: boolean): string[] {
  const { requests } = sent
  const methods = requests.map(({ method }) => method)
  const { answers, fault, isCut } = readAnswers(connection.bytes, methods, connection.isClosed)
  const faults = fault === null ? [] : [fault]
  if (answers.length > requests.length + 1) faults.push('more answers than requests')
  const isAnswered = answers.length === requests.length || answers.at(-1)?.closes === true
  if (isIntact && (isCut || !isAnswered)) faults.push('not every answer')
  for (const [index, answer] of answers.entries()) {
    const wrong = judgeAnswer(answer, requests[index], isIntact)
    if (wrong !== null) faults.push(`answer ${index}: ${wrong}`)
  }
  return faults
}

/** The k-th answer is the upstream's to the k-th request, or an error of serin's own. */
function judgeAnswer(
  { status, fields, body }: StrictAnswer,
  request: SentRequests['requests'][number] | undefined,
  isIntact: boolean,
): string | null {
  if (fields.has('x-serin-error')) {
    const isExpected = status === 404 && request?.target.startsWith('/nowhere/') === true
    return isIntact && !isExpected ? `an error ${status} without a reason` : null
  }
  if (request === undefined) return 'nobody asked'
  if (request.target === '/-/ready') return null
  const digest = digestOf(request)
  if (fields.get('x-echo')?.join() !== digest) return 'to another request'
  const expected = echoBody(request.method, request.target, digest)
  return body.toString('latin1') === expected ? null : 'not the body that was sent'
}
