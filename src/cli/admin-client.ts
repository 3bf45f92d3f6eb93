import { Agent, request } from 'undici'
import type { FeedbackReport } from '../admin/admin-deps.ts'
import type { CohortsAnswer } from '../admin/cohorts.ts'
import type { CommandAnswer } from '../admin/commands.ts'
import type { ExperimentsAnswer, PastExperimentJson } from '../admin/present-experiments.ts'
import type { ReloadedJson, ReloadStandingJson } from '../admin/present-reload.ts'
import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import type { ExperimentPlanJson } from '../admin/present-experiment-plan.ts'
import type { PlanJson } from '../admin/present-plan.ts'
import { describeFailure, describeUnreachable } from './admin-failure.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import { DEFAULT_ADMIN } from './default-admin.ts'
import { readLines } from './read-lines.ts'

/** The admin API as the commands use it. Every method throws a `CliExit` that says what to do. */
export type AdminClient = {
  readonly services: () => Promise<readonly ServiceJson[]>
  /** `etag` is null where the service has no rollout. */
  readonly service: (
    name: string,
  ) => Promise<{ readonly service: ServiceJson; readonly etag: string | null }>
  /** `path` below the service: `weights`, `promote` … */
  readonly command: (
    method: 'PUT' | 'POST',
    service: string,
    path: string,
    body: Readonly<Record<string, unknown>>,
    etag: string | null,
  ) => Promise<CommandAnswer>
  /** Newest first. */
  readonly decisions: (
    service: string,
    page: { readonly after: number; readonly limit: number },
  ) => Promise<readonly DecisionJson[]>
  readonly decision: (service: string, id: number) => Promise<DecisionJson>
  /** Those that have ended, newest first. */
  readonly experiments: (service: string) => Promise<readonly PastExperimentJson[]>
  /**
   * Calls back when something is decided, of one service or (null) of all. Resolves when the gateway ends the
   * stream, breaks it or falls silent, and when `signal` aborts; `never`: it will not give one to this client.
   */
  readonly followDecisions: (
    service: string | null,
    onDecision: () => void,
    signal: AbortSignal,
  ) => Promise<'ended' | 'never'>
  /**
   * A page of archived cohorts; `rollout: null` = of the newest attempt, `variant: null` = of the rollout,
   * else of a challenger.
   */
  readonly cohorts: (
    service: string,
    page: {
      readonly variant: string | null
      readonly rollout: string | null
      readonly after: number
    },
  ) => Promise<CohortsAnswer>
  /** What is left out is as the gateway observes it. */
  readonly plan: (
    service: string,
    query: Readonly<Record<string, number | string | undefined>>,
  ) => Promise<PlanJson | ExperimentPlanJson>
  /** Posts lines of JSON; a report is returned even where every line was rejected. */
  readonly feedback: (lines: string) => Promise<FeedbackReport>
  /** A sentence on each part of the gateway, by its name; empty for who may not read them. */
  readonly checks: () => Promise<Readonly<Record<string, string>>>
  /** What became of the last reload. */
  readonly lastReload: () => Promise<ReloadStandingJson>
  /** Resolves with what changed. */
  readonly reload: () => Promise<ReloadedJson>
  readonly close: () => Promise<void>
}

const TIMEOUT_MS = 10_000
const FEEDBACK_TIMEOUT_MS = 120_000
const COHORTS_PER_PAGE = 500
/** A stream of events says something every 15 s: after this it is gone, whatever the connection says. */
const SILENCE_MS = 40_000

/** Creates a client of the admin API at `url` (an origin, a path before the API's own is kept). */
export function createAdminClient(options: {
  readonly url: string
  readonly token: string | null
  /** For how long an answer is waited for. */
  readonly timeoutMs?: number
}): AdminClient {
  const base = parseBase(options.url)
  const patienceMs = options.timeoutMs ?? TIMEOUT_MS
  const agent = new Agent({ connect: { timeout: patienceMs } })
  const authorization = options.token === null ? {} : { authorization: `Bearer ${options.token}` }

  const sendTo = async (
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    more: {
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
      readonly timeoutMs?: number
    } = {},
  ): Promise<Answer> => {
    const timeoutMs = more.timeoutMs ?? patienceMs
    try {
      const { statusCode, headers, body } = await request(`${base}/${path}`, {
        method,
        dispatcher: agent,
        headers: { ...authorization, ...more.headers },
        body: more.body ?? null,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      })
      const etag = headers.etag
      return {
        status: statusCode,
        etag: typeof etag === 'string' ? etag : null,
        body: parseJson(await body.text()),
      }
    } catch (error) {
      throw describeUnreachable(base, error)
    }
  }
  const send: typeof sendTo = (method, path, more) => sendTo(method, `api/v1/${path}`, more)
  const get = async (path: string) => expectOk(await send('GET', path), base)
  const getOf = async (service: string, rest = '') =>
    expectOk(await send('GET', `${serviceOf(service)}${rest}`), base, service)
  const serviceOf = (name: string) => `services/${encodeURIComponent(name)}`

  return {
    services: async () => {
      const { services } = (await get('services')).body as { services: ServiceJson[] }
      return services
    },
    service: async (name) => {
      const { body, etag } = await getOf(name)
      return { service: body as ServiceJson, etag }
    },
    command: async (method, service, path, body, etag) => {
      const headers = { ...JSON_TYPE, ...(etag === null ? {} : { 'if-match': etag }) }
      const answer = await send(method, `${serviceOf(service)}/${path}`, {
        body: JSON.stringify(body),
        headers,
      })
      return expectOk(answer, base, service).body as CommandAnswer
    },
    decisions: async (service, { after, limit }) => {
      const page = `/decisions?after=${after}&limit=${limit}`
      const { decisions } = (await getOf(service, page)).body as { decisions: DecisionJson[] }
      return decisions
    },
    decision: async (service, id) =>
      (await getOf(service, `/decisions/${id}`)).body as DecisionJson,
    followDecisions: async (service, onDecision, signal) => {
      const of = service === null ? '' : `?service=${encodeURIComponent(service)}`
      try {
        const { statusCode, body } = await request(`${base}/api/v1/events${of}`, {
          ...{ dispatcher: agent, signal, bodyTimeout: SILENCE_MS, headersTimeout: patienceMs },
          headers: { ...authorization, accept: 'text/event-stream' },
        })
        if (statusCode !== 200) {
          await body.dump()
          return statusCode >= 400 && statusCode < 500 && statusCode !== 429 ? 'never' : 'ended'
        }
        for await (const line of readLines(body)) if (line === 'event: decision') onDecision()
      } catch {
        // Why it broke is told by the next request, if it lasts.
      }
      return 'ended'
    },
    experiments: async (service) =>
      ((await getOf(service, '/experiments')).body as ExperimentsAnswer).experiments,
    cohorts: async (service, { variant, rollout, after }) => {
      const which = Object.entries({ variant, rollout }).map(([name, value]) =>
        value === null ? '' : `&${name}=${encodeURIComponent(value)}`,
      )
      const page = `/cohorts?after=${after}&limit=${COHORTS_PER_PAGE}${which.join('')}`
      return (await getOf(service, page)).body as CohortsAnswer
    },
    plan: async (service, query) => {
      const given = Object.entries(query).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
      )
      return (await getOf(service, `/plan?${given.join('&')}`)).body as
        | PlanJson
        | ExperimentPlanJson
    },
    feedback: async (lines) => {
      const answer = await send('POST', 'feedback', {
        body: lines,
        headers: { 'content-type': 'application/x-ndjson' },
        timeoutMs: FEEDBACK_TIMEOUT_MS,
      })
      const report = answer.body as FeedbackReport | null
      if (answer.status === 400 && Array.isArray(report?.rejected)) return report
      return expectOk(answer, base).body as FeedbackReport
    },
    // Its status says whether requests should be sent there.
    checks: async () => {
      const { body } = await sendTo('GET', 'readyz')
      return (body as { checks?: Readonly<Record<string, string>> } | null)?.checks ?? {}
    },
    lastReload: async () => (await get('reload')).body as ReloadStandingJson,
    reload: async () => {
      const answer = await send('POST', 'reload', { body: '{}', headers: JSON_TYPE })
      return expectOk(answer, base).body as ReloadedJson
    },
    // Who has been answered waits for nothing else: what is under way after Ctrl-C is dropped.
    close: () => agent.destroy(),
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

type Answer = { readonly status: number; readonly etag: string | null; readonly body: unknown }

function expectOk(answer: Answer, base: string, service: string | null = null): Answer {
  const { status, body } = answer
  if (status >= 200 && status < 300 && typeof body === 'object' && body !== null) return answer
  throw describeFailure(answer, base, service)
}

function parseBase(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  }
  throw new CliExit(
    EXIT.badInput,
    `the admin URL is "${text}"; give one like ${DEFAULT_ADMIN} (--admin or SERIN_ADMIN)`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Not JSON is not serin: the caller says so, with the status.
    return null
  }
}
