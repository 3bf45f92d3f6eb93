/** Where a gateway stands between its start and its end. */
export type Stage = {
  /** Its ports are open. */
  listening: boolean
  /** Requests should be sent here. */
  ready: boolean
  draining: boolean
}

/** The same in words, for people who look at the readiness. */
export function describeStage({ listening, ready, draining }: Stage): string {
  if (draining) return 'draining'
  if (ready) return 'serving'
  return listening ? 'serving, and not ready before the store is there' : 'not listening'
}
