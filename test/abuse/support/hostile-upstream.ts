import type { Socket } from 'node:net'
import { fc } from '../../support/fast-check.ts'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { FRAGMENTS, writeFragments } from './fragments.ts'
import { MUTATIONS, mutate } from './mutations.ts'
import { named } from './nonce.ts'
import { readRequests } from './read-requests.ts'
import { RESPONSE_CORPUS } from './response-corpus.ts'

/** What an upstream answers to one request. */
export const HOSTILE_ANSWERS = fc.record({
  text: fc.constantFrom(...RESPONSE_CORPUS),
  mutations: MUTATIONS,
  fragments: FRAGMENTS,
  /** What becomes of the connection after the last byte. */
  then: fc.constantFrom('keep', 'keep', 'keep', 'end', 'reset'),
  /** It does not wait for the request's body. */
  isEarly: fc.nat({ max: 9 }).map((n) => n === 0),
})

export type HostileAnswer = typeof HOSTILE_ANSWERS extends fc.Arbitrary<infer T> ? T : never

/** The bytes that it sends, with the asking client's name in them. */
export function buildBytes({ text, mutations }: HostileAnswer, nonce: string): Buffer {
  return mutate(named(text, nonce), mutations)
}

/**
 * Starts an upstream that answers each request with the bytes that were planned for the name in its path.
 * Whatever stands behind the end of an answer goes out with its last byte: a later one would meet the next
 * request on the connection, and then nobody could tell to whom it belongs.
 */
export async function startHostileUpstream(
  plans: ReadonlyMap<string, HostileAnswer>,
  endOf: (bytes: Buffer, method: string) => number,
): ReturnType<typeof startRawUpstream> {
  return startRawUpstream((socket) => {
    let received = Buffer.alloc(0)
    let isAnswering = false
    let answered = ''
    const look = () => {
      // The latest one: behind an early answer, the rest of its request comes first.
      const line = [...received.toString('latin1').matchAll(REQUEST_LINE)].at(-1)
      const nonce = line?.[2] ?? ''
      const plan = plans.get(nonce)
      if (plan === undefined || isAnswering || nonce === answered) return
      received = received.subarray(line!.index)
      if (!plan.isEarly && readRequests(received).requests.length === 0) return
      isAnswering = true
      answered = nonce
      const bytes = buildBytes(plan, nonce)
      void answer(socket, bytes, plan, endOf(bytes, line![1]!)).then(() => {
        isAnswering = false
        // The next request may have come before the last byte was out: after an answer to HEAD, say.
        look()
      })
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      look()
    })
  })
}

const REQUEST_LINE = /([A-Z]+) \/m\/(n[0-9a-f]{12})\/x HTTP/g

async function answer(
  socket: Socket,
  bytes: Buffer,
  plan: HostileAnswer,
  glueAt: number,
): Promise<void> {
  await writeFragments(socket, bytes, plan.fragments, glueAt)
  if (plan.then === 'end') socket.end()
  if (plan.then === 'reset') socket.resetAndDestroy()
}
