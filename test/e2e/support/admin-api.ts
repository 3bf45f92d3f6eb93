import { request } from 'undici'
import type { CommandAnswer } from '../../../src/admin/commands.ts'
import type { FeedbackReport } from '../../../src/admin/admin-deps.ts'
import type { DecisionJson, ServiceJson } from '../../../src/admin/present.ts'
import { until } from './until.ts'

/** An answer of the admin API, its body read. */
export type AdminAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON; throws where it is none. */
  readonly json: <T>() => T
}

export type AdminRequest = {
  readonly method?: 'GET' | 'PUT' | 'POST'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks the admin API once. A body that is no text is sent as JSON. */
export async function askAdmin(
  admin: string,
  path: string,
  { method = 'GET', body, headers = {} }: AdminRequest = {},
): Promise<AdminAnswer> {
  const answer = await request(`${admin}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.body.text()
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text,
    json: <T>() => JSON.parse(text) as T,
  }
}

/** A service as the API shows it. */
export async function readService(admin: string, service: string): Promise<ServiceJson> {
  return (await askAdmin(admin, `/api/v1/services/${service}`)).json<ServiceJson>()
}

/** The decision log, newest first. */
export async function readDecisions(
  admin: string,
  service: string,
): Promise<readonly DecisionJson[]> {
  const answer = await askAdmin(admin, `/api/v1/services/${service}/decisions?limit=1000`)
  return answer.json<{ decisions: DecisionJson[] }>().decisions
}

/** Gives an operator's command. */
export async function command(
  admin: string,
  service: string,
  verb: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<CommandAnswer> {
  const answer = await askAdmin(admin, `/api/v1/services/${service}/${verb}`, {
    method: verb === 'weights' ? 'PUT' : 'POST',
    body,
  })
  if (answer.status !== 200) throw new Error(`${verb}: ${answer.status} ${answer.text}`)
  return answer.json<CommandAnswer>()
}

/** Posts labels or events, one JSON object a line. */
export async function postFeedback(
  admin: string,
  lines: readonly object[],
): Promise<FeedbackReport> {
  const answer = await askAdmin(admin, '/api/v1/feedback', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  })
  if (answer.status !== 200) throw new Error(`feedback: ${answer.status} ${answer.text}`)
  return answer.json<FeedbackReport>()
}

/** Waits until the service looks as wanted. */
export function untilService(
  admin: string,
  service: string,
  what: string,
  isSo: (service: ServiceJson) => boolean,
): Promise<ServiceJson> {
  let last: ServiceJson | null = null
  return until(`${service}: ${what}`, async () => {
    last = await readService(admin, service)
    return isSo(last) ? last : null
  }).catch((error: unknown) => {
    const { phase, weights, missing } = last ?? {}
    throw new Error(`${String(error)}; last ${JSON.stringify({ phase, weights, missing })}`)
  })
}

/** One sample of `/metrics`, by its name and labels as they stand in the text; 0 where it is not there. */
export async function readSample(
  admin: string,
  name: string,
  ...labels: string[]
): Promise<number> {
  const { text } = await askAdmin(admin, '/metrics')
  const line = text
    .split('\n')
    .find((l) => /^[^{ ]+/.exec(l)?.[0] === name && labels.every((label) => l.includes(label)))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
}
