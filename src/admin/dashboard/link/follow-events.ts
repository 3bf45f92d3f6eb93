import { authorization, readRefusal, Refusal } from './ask.ts'
import { EventParser, type ServerEvent } from './event-parser.ts'

/** How the connection is. `retryAt` in milliseconds since the epoch. */
export type LinkState =
  | { readonly is: 'connecting' }
  | { readonly is: 'live' }
  | { readonly is: 'away'; readonly retryAt: number }
  | { readonly is: 'refused'; readonly refusal: Refusal }

/** What an event `store` says: why it is away, to be read after "the store is"; null = it is there. */
export type StoreStanding = { readonly away: string | null }

/** Whose events are followed, and who is told. */
export type FollowOptions = {
  readonly path: string
  readonly token: string | null
  readonly onEvent: (event: ServerEvent) => void
  readonly onState: (state: LinkState) => void
}

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 15_000
/** The gateway says something every 15 s: after this it is gone, whatever the connection says. */
const SILENCE_MS = 40_000

/**
 * Follows a stream of events by fetch (an EventSource cannot send a token) until the returned function is
 * called: after a break it comes back, later each time, and asks for the decisions that it missed.
 */
export function followEvents(options: FollowOptions): () => void {
  const end = new AbortController()
  void followUntil(options, end.signal)
  return () => end.abort()
}

async function followUntil(options: FollowOptions, end: AbortSignal): Promise<void> {
  const parser = { current: new EventParser() }
  let failures = 0
  options.onState({ is: 'connecting' })
  while (!end.aborted) {
    try {
      await readOnce(options, parser, end, () => (failures = 0))
    } catch (error) {
      if (end.aborted) return
      if (error instanceof Refusal && isFinal(error)) {
        options.onState({ is: 'refused', refusal: error })
        return
      }
    }
    if (end.aborted) return
    const delayMs = delayAfter(failures++)
    options.onState({ is: 'away', retryAt: Date.now() + delayMs })
    await sleep(delayMs, end)
  }
}

async function readOnce(
  { path, token, onEvent, onState }: FollowOptions,
  parser: { current: EventParser },
  end: AbortSignal,
  onOpen: () => void,
): Promise<void> {
  const { lastId } = parser.current
  const once = new AbortController()
  const stop = (): void => once.abort()
  end.addEventListener('abort', stop, { once: true })
  let watchdog = setTimeout(stop, SILENCE_MS)
  try {
    const response = await fetch(path, {
      headers: {
        ...authorization(token),
        accept: 'text/event-stream',
        ...(lastId === null ? {} : { 'last-event-id': lastId }),
      },
      signal: once.signal,
      cache: 'no-store',
      credentials: 'omit',
    })
    if (!response.ok) throw await readRefusal(response)
    parser.current = new EventParser()
    parser.current.lastId = lastId
    const text = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    onState({ is: 'live' })
    onOpen()
    for (;;) {
      const { done, value } = await text.read()
      if (done) return
      clearTimeout(watchdog)
      watchdog = setTimeout(stop, SILENCE_MS)
      for (const event of parser.current.push(value)) onEvent(event)
    }
  } finally {
    clearTimeout(watchdog)
    end.removeEventListener('abort', stop)
  }
}

// What another try does not change: who asks, and what is asked for.
function isFinal({ status }: Refusal): boolean {
  return status >= 400 && status < 500 && status !== 429
}

// Half of it by chance, so that many tabs do not come back at once.
function delayAfter(failures: number): number {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures)
  return most * (0.5 + Math.random() / 2)
}

function sleep(ms: number, end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      end.removeEventListener('abort', done)
      window.removeEventListener('online', done)
      resolve()
    }
    end.addEventListener('abort', done, { once: true })
    window.addEventListener('online', done, { once: true })
  })
}
