import type { Decision } from '../domain/decision.ts'
import type { ReloadStanding } from './admin-deps.ts'
import { encodeEvent } from './event-stream.ts'
import { presentDecisionLine } from './present.ts'
import { presentReload } from './present-reload.ts'

/** How things are at a moment (milliseconds since the epoch): `json` is of all services, or of one. */
export function encodeSnapshot(at: number, member: 'services' | 'service', json: string): Buffer {
  return encodeEvent('snapshot', `{"at":"${new Date(at).toISOString()}","${member}":${json}}`)
}

/** The members of a service that have changed, as an object of JSON. */
export function encodeChanges(at: number, name: string, changes: string): Buffer {
  const data = `{"at":"${new Date(at).toISOString()}","name":${JSON.stringify(name)},"changes":${changes}}`
  return encodeEvent('service', data)
}

/** A decision without its evidence; its time is the id from which on a reader asks for what it missed. */
export function encodeDecision(decision: Decision): Buffer {
  return encodeEvent('decision', JSON.stringify(presentDecisionLine(decision)), String(decision.at))
}

/** What became of the last reload, as `GET /api/v1/reload` says it. */
export function encodeReload(standing: ReloadStanding): Buffer {
  return encodeEvent('reload', JSON.stringify(presentReload(standing)))
}

/** What `GET /readyz` says of a store that cannot be used; null = it can. */
export function encodeStore(away: string | null): Buffer {
  return encodeEvent('store', JSON.stringify({ away }))
}
