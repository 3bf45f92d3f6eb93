import type { ServiceJson } from '../../../src/admin/present.ts'
import type { AccessEntry } from '../../../src/proxy/access-log.ts'
import { MOST_ATTEMPTS } from '../../../src/proxy/retry.ts'
import { sumOf } from './compare-metrics.ts'
import type { LifeGateway } from './life-gateway.ts'

/** Requests of a service as the access log has them, and when each was sent (milliseconds since the life began). */
type Asked = {
  readonly own: readonly AccessEntry[]
  readonly sentAt: ReadonlyMap<string, number>
}

const OUTCOMES = ['ok', 'failed', 'no_answer', 'rejected', 'client_closed'] as const

/**
 * What a gateway counts otherwise than its access log does, a sentence each: requests of each variant by their outcome,
 * those that another one answered, and how often upstreams were asked. Nothing is under way.
 */
export function countRequests(
  gateway: LifeGateway,
  { name, variants }: ServiceJson,
  metrics: string,
  { own, sentAt }: Asked,
): readonly string[] {
  const lines = metrics.split('\n').filter((line) => line.includes(`service="${name}"`))
  const ofVariants = Object.entries(variants).flatMap(([variant, counts]) => {
    // Another version begins to count anew.
    const since = gateway.versionSince(name, variant)
    const sent = own.filter((e) => e.variant === variant && sentAt.get(e.requestId)! >= since)
    return [
      ...differ(`requests of ${variant}`, counts.requests, sent.length),
      ...differ(`requests in flight of ${variant}`, counts.inFlight, 0),
      ...OUTCOMES.flatMap((outcome) => {
        const labels = [`variant="${variant}"`, `outcome="${outcome}"`]
        const known = sent.filter((each) => each.outcome === outcome).length
        return differ(
          `${outcome} of ${variant}`,
          sumOf(lines, 'serin_requests_total', labels),
          known,
        )
      }),
    ]
  })
  const isWhole = [...Object.keys(variants), ...own.map(({ variant }) => variant!)].every(
    (variant) =>
      variant in variants && gateway.versionSince(name, variant) === gateway.taken[0]!.at,
  )
  if (!isWhole) return ofVariants
  const replaced = own.filter(({ fallback }) => fallback).length
  const attempts = sumOf(lines, 'serin_attempts_total')
  const least = own.reduce((sum, each) => sum + each.attempts, 0)
  const most = (own.length + replaced) * MOST_ATTEMPTS
  const isPossible = attempts >= least && attempts <= most
  return [
    ...ofVariants,
    ...differ('answers in the place of others', sumOf(lines, 'serin_fallbacks_total'), replaced),
    ...(isPossible ? [] : [`${attempts} attempts, and ${least} to ${most} by the access log`]),
  ]
}

function differ(what: string, counted: number, known: number): readonly string[] {
  return counted === known ? [] : [`${counted} ${what}, and ${known} by the access log`]
}
