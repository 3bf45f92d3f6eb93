import { everyInBackground, type Every } from './evaluator/every.ts'
import { setBackgroundTimer, type SetTimer } from './store/set-timer.ts'

/** How a gateway waits where no request does: handed in with its clock, so that it can be run on a time of its own. */
export type GatewayTimers = { readonly setTimer: SetTimer; readonly every: Every }

/** Timers of Node.js that do not keep the process alive. */
export const BACKGROUND_TIMERS: GatewayTimers = {
  setTimer: setBackgroundTimer,
  every: everyInBackground,
}
