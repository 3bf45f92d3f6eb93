import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import type { CliIo } from './cli-io.ts'
import { describeRefusal, describeWaiting } from './describe-refusal.ts'
import { renderTime } from './render-command.ts'
import { renderWatch } from './render-watch.ts'
import { createRepainter } from './repainter.ts'
import { buildStyle, formatSeconds } from './render.ts'
import { describeChanges, describeNews } from './watch-lines.ts'
import type { Look } from './watch.ts'

/** Where a watch shows what it sees. */
export type WatchView = {
  /** How things stand, with the last decisions of all services, newest first. */
  readonly show: (look: Look, decisions: readonly DecisionJson[]) => void
  /** The gateway does not answer; called again at each look until it does. */
  readonly away: (reason: string, awaySeconds: number) => void
  /** It answers again, after so many seconds. */
  readonly back: (awaySeconds: number) => void
}

/** Creates the view for an output: a block that is redrawn, a line for each change, or a line of JSON for each look. */
export function createWatchView(io: CliIo, output: 'table' | 'json'): WatchView {
  if (output === 'json') return createJsonView(io)
  return io.stdout.isTTY === true ? createScreen(io) : createLineView(io)
}

/** For how long a return is told. */
const TOLD_MS = 10_000

function createScreen(io: CliIo): WatchView {
  const painter = createRepainter(io.stdout)
  let services: readonly ServiceJson[] = []
  let decisions: readonly DecisionJson[] = []
  let told: readonly (string | null)[] = []
  let returned: { readonly at: number; readonly text: string } | null = null
  const paint = (warning: string | null) => {
    const now = io.clock.now()
    const warnings = [warning, ...told].filter((text) => text !== null)
    painter.paint(renderWatch({ services, decisions, warnings, now }, buildStyle(io, io.stdout)))
  }
  return {
    show: (look, news) => {
      ;({ services } = look)
      decisions = news
      told = [describeRefusal(look.reload), look.store, describeWaiting(look.reload)]
      const isFresh = returned !== null && io.clock.monotonic() - returned.at < TOLD_MS
      paint(isFresh ? returned!.text : null)
    },
    away: (reason, seconds) => {
      const told = `gone for ${formatSeconds(seconds)} and asked again every second; this is what it said last`
      paint(`${told} (${reason})`)
    },
    back: (seconds) => {
      returned = { at: io.clock.monotonic(), text: describeReturn(seconds) }
    },
  }
}

function createLineView(io: CliIo): WatchView {
  const before = new Map<string, ServiceJson>()
  let lastTold: ReadonlySet<string> | null = null
  let refusal: string | null = null
  let waiting: string | null = null
  let store: string | null = null
  let isAway = false
  const write = (line: string) => void io.stdout.write(`${line}\n`)
  const note = (text: string) =>
    write(`${renderTime(new Date(io.clock.now()).toISOString())}  ${text}`)
  return {
    show: ({ services, reload, store: now }, decisions) => {
      if (now !== store) note(`gateway  ${now ?? 'the store is back'}`)
      store = now
      const told = describeRefusal(reload)
      if (told !== refusal) note(`gateway  ${told ?? 'the file was read again, and is in force'}`)
      refusal = told
      const waits = describeWaiting(reload)
      if (waits !== waiting) note(`gateway  ${waits ?? 'the store has taken up the configuration'}`)
      waiting = waits
      const keys = decisions.map(keyOf)
      // Those that were made before the watch began are no news.
      const news = lastTold === null ? [] : decisions.filter((d) => !lastTold!.has(keyOf(d)))
      for (const decision of news.toReversed()) write(describeNews(decision))
      for (const service of services) {
        const last = before.get(service.name) ?? null
        for (const line of describeChanges(last, service, io.clock.now())) write(line)
      }
      for (const name of before.keys()) {
        if (!services.some((service) => service.name === name))
          note(`${name}  is configured no more`)
      }
      before.clear()
      for (const service of services) before.set(service.name, service)
      lastTold = new Set(keys)
    },
    away: (reason) => {
      if (!isAway) note(`gateway  gone, and asked again every second: ${reason}`)
      isAway = true
    },
    back: (seconds) => {
      isAway = false
      note(`gateway  ${describeReturn(seconds)}`)
    },
  }
}

/** Lines of JSON stay lines of JSON: what is to be said of the gateway goes to stderr. */
function createJsonView(io: CliIo): WatchView {
  let isAway = false
  return {
    show: (look) => void io.stdout.write(`${JSON.stringify(look)}\n`),
    away: (reason) => {
      if (!isAway) io.stderr.write(`serin: gateway gone, and asked again every second: ${reason}\n`)
      isAway = true
    },
    back: (seconds) => {
      isAway = false
      io.stderr.write(`serin: gateway ${describeReturn(seconds)}\n`)
    },
  }
}

function describeReturn(seconds: number): string {
  return `back after ${formatSeconds(seconds)}`
}

function keyOf({ service, id }: DecisionJson): string {
  return `${service} ${id}`
}
