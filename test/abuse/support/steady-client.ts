import { RawConnection } from '../../support/raw-client.ts'
import { readAnswers } from '../../support/strict-answers.ts'
import { digestOf, echoBody } from './echo-upstream.ts'
import type { Nonces } from './nonce.ts'
import type { WholeRequest } from './read-requests.ts'

/** A client that does everything right, and wants every answer: its own, whole, and soon. */
export type SteadyClient = {
  /** Answers that were right. */
  readonly answered: () => number
  /** Ends after the answer that is under way; gives what went wrong. */
  readonly stop: () => Promise<readonly string[]>
}

/** Requests of one connection. */
const PER_CONNECTION = 20

/** Longest wait for one answer. */
const PATIENCE_MS = 15_000

/**
 * Sends request after request to an echo upstream behind the gateway, on connections of its own.
 * `onRequest` is told of each before it is sent.
 */
export function startSteadyClient(
  port: number,
  nonces: Nonces,
  onRequest: (request: WholeRequest) => void,
): SteadyClient {
  const faults: string[] = []
  let answered = 0
  let isRunning = true
  const run = async () => {
    while (isRunning) {
      const nonce = nonces.next()
      const connection = new RawConnection(port)
      let from = 0
      for (let n = 0; n < PER_CONNECTION && isRunning; n++) {
        const request = buildRequest(nonce, n)
        onRequest(request)
        connection.send(writeRequest(request))
        const end = await receiveAnswer(connection, from, request, nonces, nonce, faults)
        if (end === null) break
        from = end
        answered++
      }
      connection.close()
    }
  }
  const ended = run()
  return {
    answered: () => answered,
    stop: async () => {
      isRunning = false
      await ended
      return faults
    },
  }
}

function buildRequest(nonce: string, n: number): WholeRequest {
  const shape = ['plain', 'chunked', 'sse', 'big'][n % 4]!
  const body = n % 2 === 0 ? '' : `{"user":"${nonce}","n":${n}}`
  return {
    method: body === '' ? 'GET' : 'POST',
    target: `/steady/${nonce}/${n}/${shape}`,
    body: Buffer.from(body),
  }
}

function writeRequest({ method, target, body }: WholeRequest): string {
  const length = body.length === 0 ? '' : `Content-Length: ${body.length}\r\n`
  return `${method} ${target} HTTP/1.1\r\nHost: a\r\n${length}\r\n${body.toString('latin1')}`
}

/** Where the answer ends, or null: something was wrong with it. */
async function receiveAnswer(
  connection: RawConnection,
  from: number,
  request: WholeRequest,
  nonces: Nonces,
  nonce: string,
  faults: string[],
): Promise<number | null> {
  const read = () => {
    return readAnswers(connection.bytes.subarray(from), [request.method], connection.isClosed)
  }
  const timer = setTimeout(() => connection.close(), PATIENCE_MS)
  await connection.until(() => read().answers.length > 0 || read().fault !== null)
  clearTimeout(timer)
  const { answers, fault } = read()
  const answer = answers[0]
  const digest = digestOf(request)
  const foreign = nonces.foreign(connection.bytes.subarray(from), nonce)
  const wrong =
    fault ??
    (answer === undefined
      ? 'no whole answer'
      : foreign.length > 0
        ? `the answer names ${foreign.join()}`
        : answer.status !== 200 || answer.fields.get('x-echo')?.join() !== digest
          ? `answer ${answer.status} to somebody else`
          : answer.body.toString('latin1') !== echoBody(request.method, request.target, digest)
            ? 'a body that is not the one sent'
            : null)
  if (wrong === null) return from + answer!.end
  const text = connection.bytes.subarray(from).toString('latin1').slice(0, 400)
  faults.push(`${request.method} ${request.target}: ${wrong}: ${JSON.stringify(text)}`)
  return null
}
