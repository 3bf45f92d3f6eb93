import type { ConfigPath, Finding } from './problem.ts'

/** Variables of the environment, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>

/** A tree with its variables replaced, and what was wrong with them. */
export type Substitution = {
  /** The same tree with the variables replaced. */
  readonly root: unknown
  /** JSON of the paths whose whole value came from the environment: it may stand for a number. */
  readonly whole: ReadonlySet<string>
  readonly findings: readonly Finding[]
}

/**
 * Replaces `${NAME}` and `${NAME:-default}` (used when NAME is unset or empty, as in a shell) in the
 * values of a tree, never in its keys. `$${` stands for a literal `${`. A variable that is unset and
 * has no default, and a `${` that is neither form, are findings.
 */
export function substituteEnv(root: unknown, env: Env): Substitution {
  const whole = new Set<string>()
  const findings: Finding[] = []

  const visit = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return substitute(value, path)
    if (Array.isArray(value)) return value.map((item, i) => visit(item, [...path, i]))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, visit(child, [...path, key])]),
    )
  }

  const substitute = (text: string, path: ConfigPath): string => {
    if (!text.includes('${')) return text
    if (WHOLE.test(text)) whole.add(JSON.stringify(path))
    return text.replace(VARIABLE, (found, name?: string, fallback?: string) => {
      if (found === '$${') return '${'
      const value = name === undefined ? undefined : env[name]
      if (name === undefined) {
        const message =
          '"${" starts none of ${NAME}, ${NAME:-default}, $${ (a default holds no variable)'
        findings.push({ path, message })
      } else if (value === undefined && fallback === undefined) {
        const message = `the environment variable ${name} is not set: set it, or give a default with \${${name}:-…}`
        findings.push({ path, message })
      }
      return (fallback === undefined ? value : value === '' ? fallback : (value ?? fallback)) ?? ''
    })
  }

  return { root: visit(root, []), whole, findings }
}

/** Says how a variable is written where a text that is not allowed has one as a shell writes it; else nothing. */
export function adviseVariable(shown: string): string {
  const name = /\$([A-Za-z_][A-Za-z0-9_]*)(?![A-Za-z0-9_…])/.exec(shown)?.[1]
  return name === undefined ? '' : ` (a variable of the environment is written \${${name}})`
}

const REFERENCE = String.raw`\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\}`
const VARIABLE = new RegExp(String.raw`\$\$\{|${REFERENCE}|\$\{`, 'g')
const WHOLE = new RegExp(`^${REFERENCE}$`)
