import type { FastifyReply } from 'fastify'
import { AdminError } from './problem.ts'
import type { ServiceStatus } from './service-status.ts'

/** Sets the revision of a service's rollout or fixed split as the answer's `ETag`; without either there is none. */
export function setEtag(reply: FastifyReply, status: ServiceStatus): void {
  const current = revisionOf(status)
  if (current !== undefined) void reply.header('etag', etagOf(current))
}

/**
 * Reads `If-Match` (RFC 9110 §13.1.1) as the revision that must be stored: null for `*` or no header. Of
 * several tags the one that matches the service now is taken. Throws SERIN_STALE_REVISION where no tag can
 * match (weak tags never do) and SERIN_BAD_REQUEST where the header is malformed.
 */
export function parseIfMatch(header: string | undefined, status: ServiceStatus): number | null {
  if (header === undefined || header.trim() === '*') return null
  if (!/^\s*(?:W\/)?"[^"]*"\s*(?:,\s*(?:W\/)?"[^"]*"\s*)*$/.test(header)) {
    throw new AdminError('SERIN_BAD_REQUEST', `If-Match is ${header}; send "<revision>" or *`)
  }
  const tags = header.split(',').map((tag) => tag.trim())
  const current = revisionOf(status)
  if (current !== undefined && tags.includes(etagOf(current))) return current
  const now = current === undefined ? 'there is none yet' : `it is ${etagOf(current)} now`
  throw new AdminError(
    'SERIN_STALE_REVISION',
    `the service's revision is not ${header.trim()}: ${now}; read it again, then decide`,
    { headers: current === undefined ? {} : { etag: etagOf(current) } },
  )
}

function revisionOf({ rollout, experiment }: ServiceStatus): number | undefined {
  return (rollout ?? experiment)?.state.revision
}

function etagOf(revision: number): string {
  return `"${revision}"`
}
