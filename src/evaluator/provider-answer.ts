import type { Answer } from '../domain/measurement.ts'
import type { ProviderMetricSpec } from '../domain/rollout-spec.ts'
import { HIDDEN, secretsOf } from '../rollout/hide-secrets.ts'

/** What came back from a provider. */
export type ProviderResponse = { readonly status: number; readonly body: string }

/** Most of a reason, which may have another system's own words in it, that is passed on. */
const LONGEST_REASON = 200

/**
 * Reads the one number of a provider's answer. Whatever is not exactly one finite number is an error with
 * its reason: another status, no JSON, no series, several of them, NaN, infinity, text. Never throws.
 */
export function readProviderAnswer(metric: ProviderMetricSpec, response: ProviderResponse): Answer {
  const answer = read(metric, response)
  return 'error' in answer ? fail(clean(answer.error, secretsOf(metric))) : answer
}

function read(metric: ProviderMetricSpec, { status, body }: ProviderResponse): Answer {
  const json = parseJson(body)
  if (status < 200 || status > 299) {
    const words = metric.kind === 'prometheus' ? wordsOf(json) : null
    return fail(`answered ${status}${words === null ? '' : `: ${words}`}`)
  }
  if (json === undefined) return fail('answered with what is no JSON')
  if (metric.kind === 'prometheus') return readPrometheus(json)
  return readNumber(metric.pointer === null ? json : find(json, metric.pointer))
}

// https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
function readPrometheus(json: unknown): Answer {
  if (field(json, 'status') !== 'success') {
    return fail(wordsOf(json) ?? 'answered with what is no result of a query')
  }
  const data = field(json, 'data')
  const result = field(data, 'result')
  switch (field(data, 'resultType')) {
    case 'scalar':
      return readSample(result)
    case 'vector':
      if (!Array.isArray(result)) break
      if (result.length === 0) return fail('the query found no series')
      if (result.length > 1) return fail(`the query found ${result.length} series, one is needed`)
      return readSample(field(result[0], 'value'))
    case 'matrix':
      return fail('the query has a range as its result, one number is needed')
    case 'string':
      return fail('the query has text as its result, one number is needed')
  }
  return fail('answered with what is no result of a query')
}

// Numbers are text here, since JSON has neither NaN nor infinity.
function readSample(sample: unknown): Answer {
  const text = Array.isArray(sample) ? sample[1] : undefined
  if (typeof text !== 'string' || text.trim() === '') {
    return fail('the query has no plain number as its result')
  }
  return Number.isFinite(Number(text))
    ? { value: Number(text) }
    : fail(`the query has ${text} as its result, which is no number`)
}

function readNumber(value: unknown): Answer {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? { value } : fail('the number is too large')
  }
  if (value === undefined) return fail('the answer has nothing at that place')
  const what = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value
  return fail(`the answer has no number at that place (found: ${what})`)
}

/** The value that a JSON pointer (RFC 6901) names; undefined where there is none. */
function find(json: unknown, pointer: string): unknown {
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(field, json)
}

function field(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function wordsOf(json: unknown): string | null {
  const [type, error] = [field(json, 'errorType'), field(json, 'error')]
  return typeof error === 'string' ? `${typeof type === 'string' ? `${type}: ` : ''}${error}` : null
}

// It goes into logs and terminals, and what was sent may be repeated in it: hidden first, so that no part is left.
function clean(reason: string, secrets: readonly string[]): string {
  return secrets
    .reduce((hidden, secret) => hidden.replaceAll(secret, HIDDEN), reason)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_REASON)
}

function fail(error: string): Answer {
  return { error }
}
