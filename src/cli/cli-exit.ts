/** How a command ended: the exit codes that scripts may rely on. */
export const EXIT = {
  done: 0,
  /** Bad input or configuration. */
  badInput: 1,
  /** The gateway was not reachable. */
  unreachable: 2,
  /** The gateway refused: a conflict, a missing right, or a failure of its own. */
  refused: 3,
  /** `wait`: the rollout ended another way. */
  otherEnd: 4,
  /** `wait`: the time was up. */
  timedOut: 5,
} as const

/** What each exit code says. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  badInput: 'bad input or configuration',
  unreachable: 'gateway not reachable',
  refused: 'refused or conflict',
  otherEnd: '"wait" ended another way',
  timedOut: '"wait" timed out',
}

/**
 * What `-o json` adds to the sentence of an error: the members of the API's problem details (RFC 9457) where it came
 * from there, else those of them that are known.
 */
export type CliProblem = Readonly<Record<string, unknown>>

/** Ends a command. The message, where there is one, is what stderr says. */
export class CliExit extends Error {
  readonly exitCode: number
  readonly problem: CliProblem

  constructor(exitCode: number, message = '', problem: CliProblem = {}) {
    super(message)
    this.name = 'CliExit'
    this.exitCode = exitCode
    this.problem = problem
  }
}
