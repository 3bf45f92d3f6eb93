import { EXIT, type CliProblem } from './cli-exit.ts'

/** The codes of errors that did not come from the API, by how the command ended. */
export const OWN_CODES: Readonly<Record<number, string>> = {
  [EXIT.badInput]: 'CLI_BAD_INPUT',
  [EXIT.unreachable]: 'CLI_UNREACHABLE',
  [EXIT.refused]: 'CLI_REFUSED',
}

/** The code of a mistake of serin's own. */
export const INTERNAL_CODE = 'CLI_INTERNAL'

/** Whether a command line asks for JSON (`-o json` in any spelling), also where it cannot be understood otherwise. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const options = end === -1 ? argv : argv.slice(0, end)
  return options.some(
    (option, index) =>
      option === '--output=json' ||
      /^-\w*ojson$/.test(option) ||
      (/^(?:--output|-\w*o)$/.test(option) && options[index + 1] === 'json'),
  )
}

/**
 * Builds what `-o json` prints of an error, in one line as the objects of a watch are. `problem` has the code and
 * further members where the API said what is wrong; without a code it is one of the command line's own.
 */
export function buildJsonError(
  exitCode: number,
  message: string,
  problem: CliProblem = {},
): string {
  const code = OWN_CODES[exitCode] ?? INTERNAL_CODE
  return `${JSON.stringify({ error: { code, ...problem, message, exitCode } })}\n`
}
