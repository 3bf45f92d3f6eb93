import type { ServiceJson } from '../../../src/admin/present.ts'
import { MOST_ATTEMPTS } from '../../../src/proxy/retry.ts'
import { sumOf } from './compare-metrics.ts'
import type { LifeGateway } from './life-gateway.ts'
import type { Served } from './served-requests.ts'

/**
 * What a gateway counts otherwise than its clients do, a sentence each: requests of each variant, those that failed or
 * another one answered, and how often upstreams were asked. Nothing is under way; `own`: all that it has answered of the
 * service.
 */
export function countRequests(
  gateway: LifeGateway,
  { name, variants }: ServiceJson,
  metrics: string,
  own: readonly Served[],
): readonly string[] {
  const lines = metrics.split('\n').filter((line) => line.includes(`service="${name}"`))
  const ofVariants = Object.entries(variants).flatMap(([variant, counts]) => {
    // Another version begins to count anew.
    const since = gateway.versionSince(name, variant)
    const sent = own.filter((each) => each.variant === variant && each.at >= since)
    const failed = sent.filter((each) => each.isFallback || each.status >= 500).length
    return [
      ...differ(`requests of ${variant}`, counts.requests, sent.length),
      ...differ(`requests in flight of ${variant}`, counts.inFlight, 0),
      ...(gateway.hasOtherErrors(name)
        ? []
        : differ(`failures of ${variant}`, counts.errors, failed)),
    ]
  })
  const isWhole = [...Object.keys(variants), ...own.map(({ variant }) => variant)].every(
    (variant) =>
      variant in variants && gateway.versionSince(name, variant) === gateway.taken[0]!.at,
  )
  if (!isWhole) return ofVariants
  const replaced = own.filter(({ isFallback }) => isFallback).length
  const asked = own.filter(({ error }) => error !== NOBODY_WELL).length
  const attempts = sumOf(lines, 'serin_attempts_total')
  const most = (own.length + replaced) * MOST_ATTEMPTS
  const isPossible = attempts >= asked && attempts <= most
  return [
    ...ofVariants,
    ...differ('answers in the place of others', sumOf(lines, 'serin_fallbacks_total'), replaced),
    ...(isPossible ? [] : [`${attempts} attempts for ${asked} of ${own.length} requests`]),
  ]
}

/** No attempt is made where all of a variant's checks fail. */
const NOBODY_WELL = 'SERIN_UPSTREAM_UNHEALTHY'

function differ(what: string, counted: number, known: number): readonly string[] {
  return counted === known ? [] : [`${counted} ${what}, and ${known} by its clients`]
}
