import { Agent, request } from 'undici'
import type { ProviderResponse } from './provider-answer.ts'
import type { ProviderRequest } from './provider-request.ts'
import { Turns } from './turns.ts'

/** Longest time that a provider may take over one answer, from when it is asked. */
const MOST_MS = 5000

/** Questions that one provider is asked at once; Prometheus itself works on 20. */
const MOST_AT_ONCE = 16

/** Most that is read of an answer: one number needs little, and to parse more would hold up requests. */
const MOST_BYTES = 64 * 1024

/** Asks a provider; rejects with an Error whose message says in a few words why there is no answer. */
export type FetchProvider = (request: ProviderRequest) => Promise<ProviderResponse>

/** Connections to providers, until `close`. */
export type ProviderFetcher = {
  readonly fetch: FetchProvider
  /** Ends what is under way. */
  readonly close: () => Promise<void>
}

/**
 * Opens no connection before it is asked. What is more than a provider is asked at once waits for its turn.
 * Redirects are not followed: a secret goes nowhere else.
 */
export function createProviderFetcher(mostMs = MOST_MS): ProviderFetcher {
  const agent = new Agent({
    connections: MOST_AT_ONCE,
    connect: { timeout: mostMs },
    maxResponseSize: MOST_BYTES,
  })
  const turns = new Turns(MOST_AT_ONCE)
  const ask: FetchProvider = async ({ url, headers }) => {
    try {
      const signal = AbortSignal.timeout(mostMs)
      const answer = await request(url, { dispatcher: agent, method: 'GET', headers, signal })
      // At once: while nobody reads, undici 7 throws where nobody catches it when the server closes (tell-end-to-reader.ts).
      return { status: answer.statusCode, body: await answer.body.text() }
    } catch (error) {
      throw new Error(describe(error as NodeJS.ErrnoException, mostMs), { cause: error })
    }
  }
  return {
    fetch: (asked) => turns.run(new URL(asked.url).origin, () => ask(asked)),
    close: () => agent.destroy(),
  }
}

// Never the message: it may have the address in it, and an address a token.
function describe({ code, name }: NodeJS.ErrnoException, mostMs: number): string {
  const seconds = `${mostMs / 1000} s`
  if (name === 'TimeoutError') return `no answer within ${seconds}`
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${seconds}`
  return REASONS[code ?? name] ?? `no answer (${code ?? name})`
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection before its answer was complete',
  UND_ERR_SOCKET: 'closed the connection before its answer was complete',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ENOTFOUND: 'its name was not found',
  EAI_AGAIN: 'its name was not found',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: `its answer is larger than ${MOST_BYTES / 1024} KiB`,
}
