/** Where something stands in the configuration: keys of maps, indexes of lists. */
export type ConfigPath = readonly (string | number)[]

/** A mistake (or a warning) with its place. */
export type ConfigProblem = {
  /** Null: the text did not come from a file. */
  readonly file: string | null
  /** From 1; null where the file itself is the problem. */
  readonly line: number | null
  /** From 1. */
  readonly column: number | null
  /** `services.credit-risk.split.rules[0].when["body:/a"]`; empty for the whole file. */
  readonly path: string
  /** What was found and what is allowed. Never holds the value of a secret. */
  readonly message: string
}

/** A problem before its place in the text is looked up. */
export type Finding = {
  readonly path: ConfigPath
  readonly message: string
  /** Point at the key rather than at its value. */
  readonly atKey?: boolean
}

/** `serin.yaml:7:3: services.a.split.key: message`, without the parts that are not known. */
export function formatProblem(problem: ConfigProblem): string {
  const place = [problem.file ?? '(configuration)', problem.line, problem.column]
  const parts = [place.filter((part) => part !== null).join(':'), problem.path, problem.message]
  return parts.filter((part) => part !== '').join(': ')
}

/** A path as a user would write it: dots between plain keys, brackets around indexes and other keys. */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}
