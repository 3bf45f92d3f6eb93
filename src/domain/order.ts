import type { Command, Decision } from './decision.ts'

/** A command that was given to a process that follows, on its way through the store to the one that decides. */
export type Order = {
  /** No other order has it. */
  readonly id: string
  readonly service: string
  readonly command: Command
  /** The revision that it was given for; null = any. */
  readonly ifMatch: number | null
  /** What the process that it was given to decides on, without the attempt (`1.4->2.0`): nothing else is meant. */
  readonly subject: string
  /** Milliseconds since the epoch. */
  readonly givenAt: number
}

/** What became of a command. `decision: null`: it was so already, or is in force here and not stored yet. */
export type CommandOutcome =
  | { readonly ok: true; readonly decision: Decision | null }
  | {
      readonly ok: false
      readonly code: 'SERIN_STALE_REVISION' | 'SERIN_REFUSED' | 'SERIN_STORE_FAILED'
      readonly detail: string
    }
