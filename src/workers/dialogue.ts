/** The end of a pipe to another process. */
export type Port = {
  /** Does nothing where the other end is gone. */
  readonly send: (message: unknown) => void
  readonly listen: (onMessage: (message: unknown) => void) => void
}

/** What one process may ask of another, by name. Questions and answers are plain data. */
export type Api = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>

/** Questions to the process at the other end. */
export type Dialogue<Theirs extends Api> = {
  /** Rejects with the error of the other process, or when the dialogue is closed before the answer came. */
  readonly ask: <K extends keyof Theirs & string>(
    what: K,
    ...given: Parameters<Theirs[K]>
  ) => ReturnType<Theirs[K]>
  /** The other end is gone: whoever waits for an answer hears why. */
  readonly close: (why: Error) => void
}

/** Lets two processes ask each other: `mine` answers what is asked here. */
export function createDialogue<Theirs extends Api>(port: Port, mine: Api): Dialogue<Theirs> {
  const waiting = new Map<number, Asker>()
  let asked = 0
  let closed: Error | null = null

  port.listen((message) => {
    const { question, answer } = message as Envelope
    if (question !== undefined) void answerTo(question)
    if (answer === undefined) return
    const asker = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.failed === undefined) asker?.resolve(answer.value)
    else asker?.reject(Object.assign(new Error(answer.failed.message), answer.failed))
  })

  const answerTo = async ({ id, what, given }: Question) => {
    try {
      const value = await mine[what]!(...(given as never[]))
      port.send({ answer: { id, value } } satisfies Envelope)
    } catch (error) {
      port.send({ answer: { id, value: null, failed: failureOf(error) } } satisfies Envelope)
    }
  }

  return {
    ask: <K extends keyof Theirs & string>(what: K, ...given: Parameters<Theirs[K]>) =>
      new Promise<unknown>((resolve, reject) => {
        if (closed !== null) return reject(closed)
        const id = ++asked
        waiting.set(id, { resolve, reject })
        port.send({ question: { id, what, given } } satisfies Envelope)
      }) as ReturnType<Theirs[K]>,
    close: (why) => {
      closed = why
      for (const asker of waiting.values()) asker.reject(why)
      waiting.clear()
    },
  }
}

type Asker = {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

type Envelope = { readonly question?: Question; readonly answer?: Answer }
type Question = { readonly id: number; readonly what: string; readonly given: readonly unknown[] }
type Answer = { readonly id: number; readonly value: unknown; readonly failed?: Failure }

/** What an error keeps on its way: who reads it looks at these alone. */
type Failure = {
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
  readonly port: number | undefined
  readonly address: string | undefined
}

function failureOf(error: unknown): Failure {
  const { message, stack, code, port, address } = error as Error & Failure
  return { message, stack, code, port, address }
}
