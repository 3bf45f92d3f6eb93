import type { DecisionJson } from '../admin/present.ts'
import { renderLive, renderProgress } from './render-live.ts'
import type { LiveService } from './render-live.ts'
import { renderDecision } from './render-result.ts'

/** Tells what is going on while it goes on. */
export type Narrator = {
  /** A sentence that stays. */
  readonly say: (sentence: string) => void
  /** Called about once a second with how things stand. */
  readonly show: (services: readonly LiveService[], elapsedMs: number) => void
  /** A decision of the gateway that was not seen before; `startedAt` in ms since the epoch. */
  readonly decided: (decision: DecisionJson, startedAt: number) => void
}

const PROGRESS_MS = 5000

/** For terminals: a block that is redrawn in place. */
export function buildTerminalNarrator(write: (text: string) => void): Narrator {
  let drawn = 0
  return {
    say: (sentence) => {
      drawn = 0
      write(`${sentence}\n`)
    },
    show: (services, elapsedMs) => {
      const lines = renderLive(services, elapsedMs)
      // Up to where the last block began, then each line over the old one, cleared to its end.
      const up = drawn === 0 ? '' : `\x1b[${drawn}A\r`
      write(`${up}${lines.map((line) => `${line}\x1b[K\n`).join('')}`)
      drawn = lines.length
    },
    decided: () => {},
  }
}

/** For pipes and CI: a line per decision, and one on progress every five seconds. */
export function buildLineNarrator(write: (text: string) => void): Narrator {
  let nextAt = 0
  return {
    say: (sentence) => write(`${sentence}\n`),
    show: (services, elapsedMs) => {
      if (elapsedMs < nextAt) return
      nextAt = elapsedMs + PROGRESS_MS
      write(`${renderProgress(services, elapsedMs)}\n`)
    },
    decided: (decision, startedAt) =>
      write(`${decision.service}: ${renderDecision(decision, startedAt).trimStart()}\n`),
  }
}

/** For `--json`: nothing but the result is printed. */
export function buildSilentNarrator(): Narrator {
  return { say: () => {}, show: () => {}, decided: () => {} }
}
