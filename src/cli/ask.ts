import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { readLines } from './read-lines.ts'

/** Asks somebody at a terminal, one question after the other. */
export type Interview = {
  /**
   * Asks until `parse` accepts the answer; an empty one stands for `fallback`. What `parse` throws says what
   * would be right. Throws a `CliExit` where the input ends.
   */
  readonly ask: <T>(question: string, fallback: string, parse: (text: string) => T) => Promise<T>
  /** Lets go of the input. */
  readonly close: () => Promise<void>
}

/** Creates an interview over the standard input and output. */
export function createInterview(io: Pick<CliIo, 'stdin' | 'stdout'>): Interview {
  const lines = readLines(io.stdin)
  return {
    ask: async (question, fallback, parse) => {
      for (;;) {
        io.stdout.write(`${question}${fallback === '' ? '' : ` [${fallback}]`}: `)
        const line = await lines.next()
        if (line.done === true) {
          throw new CliExit(
            EXIT.badInput,
            'the input ended before the last answer: nothing is written',
          )
        }
        const answer = line.value.trim()
        try {
          return parse(answer === '' ? fallback : answer)
        } catch (error) {
          io.stdout.write(`  ${(error as Error).message}\n`)
        }
      }
    },
    close: async () => void (await lines.return(undefined)),
  }
}
