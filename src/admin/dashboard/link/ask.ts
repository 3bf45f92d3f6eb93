/** What the gateway refused, in its own words (RFC 9457). */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.name = 'Refusal'
    this.status = status
    this.code = code
  }
}

/** One request to the API. */
export type Question = {
  readonly method?: 'GET' | 'PUT' | 'POST'
  readonly body?: unknown
  /** The revision that a change is meant for. */
  readonly revision?: number | null
  readonly signal?: AbortSignal
}

/** Asks the API and gives the body; rejects with a Refusal, or with the network's error. */
export async function ask<T>(
  token: string | null,
  path: string,
  question: Question = {},
): Promise<T> {
  const { method = 'GET', body, revision = null, signal } = question
  const response = await fetch(path, {
    method,
    headers: {
      ...authorization(token),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(revision === null ? {} : { 'if-match': `"${revision}"` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
    cache: 'no-store',
    credentials: 'omit',
  })
  if (!response.ok) throw await readRefusal(response)
  return (await response.json()) as T
}

/** The header that says who asks. */
export function authorization(token: string | null): Readonly<Record<string, string>> {
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

/** What an answer that is none of success says; its body may be anything. */
export async function readRefusal(response: Response): Promise<Refusal> {
  const problem = (await response.json().catch(() => ({}))) as {
    readonly code?: string
    readonly detail?: string
  }
  const detail = problem.detail ?? `the gateway answered ${response.status}`
  return new Refusal(response.status, problem.code ?? '', detail)
}
