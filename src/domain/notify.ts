import type { Decision } from './decision.ts'

/** What a notification can be asked for; every decision is exactly one of them. */
export const NOTIFY_EVENTS = [
  'started',
  'advanced',
  'paused',
  'resumed',
  'watching',
  'promoted',
  'rolled-back',
  'held',
  'verdict',
] as const

/** One kind of news. */
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number]

/** One webhook of a service: what it hears of, and whether it is asked before the step to 100 %. */
export type NotifySpec = {
  /** http or https; user info is sent as basic authentication. Holds secrets: see `hookName`. */
  readonly url: string
  readonly on: readonly NotifyEvent[]
  /** An automatic step to 100 % waits for its 200. */
  readonly confirmsPromotion: boolean
  /** Signs every body; null = not signed. */
  readonly secret: string | null
  readonly template: 'json' | 'slack'
}

/**
 * What a decision is to those who are notified. `promote` is two things: the step to 100 %, after which
 * the canary is watched, and the end of that watch.
 */
export function eventOf({ action, to }: Pick<Decision, 'action' | 'to'>): NotifyEvent {
  switch (action) {
    case 'start':
    case 'retry':
      return 'started'
    case 'advance':
      return to.phase === 'paused' ? 'paused' : 'advanced'
    case 'promote':
      return to.phase === 'promoted' ? 'promoted' : 'watching'
    case 'pause':
    case 'override':
      return 'paused'
    case 'resume':
      return 'resumed'
    case 'rollback':
    case 'undo':
      return 'rolled-back'
    case 'hold':
      return 'held'
    case 'verdict':
      return 'verdict'
  }
}
