import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { decodeRecord } from './record-codec.ts'

/**
 * The state of a rollout out of its bytes; `revision` = its revision where that is stored apart. Throws where they are
 * no record, one of something else, or of another revision: who goes on from that writes in vain, for ever.
 */
export function decodeState(bytes: Uint8Array, revision?: string | null): RolloutState {
  const found = decodeRecord<Partial<RolloutState> | null>(bytes)
  if (!isState(found)) throw new Error('it is no state of a rollout')
  if (revision !== undefined && String(found.revision) !== revision)
    throw new Error(`it is revision ${found.revision}, and the store counts ${revision ?? 'none'}`)
  return found
}

function isState(found: Partial<RolloutState> | null): found is RolloutState {
  if (typeof found !== 'object' || found === null) return false
  const { service, baselineVersion, canaryVersion, phase, attempt, revision, weightBp } = found
  return (
    [service, baselineVersion, canaryVersion, phase].every((text) => typeof text === 'string') &&
    [attempt, revision].every((number) => Number.isInteger(number)) &&
    // Of a comparison it is a share of the two, and no whole number.
    weightBp! >= 0 &&
    weightBp! <= WHOLE_BP
  )
}
