import type { Test } from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/config.ts'
import type { Env } from '../../src/config/substitute-env.ts'

/** The problems of a text, as `serin check` prints them for a file `f`. */
export function problemsOf(text: string, env: Env = {}): readonly string[] {
  const result = parseConfig(text, { file: 'f', env })
  return result.ok ? [] : result.problems.map(formatProblem)
}

/** The warnings of a text that must be valid. */
export function warningsOf(text: string, env: Env = {}): readonly string[] {
  const result = parseConfig(text, { file: 'f', env })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.warnings.map(formatProblem)
}

/** The configuration of a text that must be valid. */
export function configOf(
  text: string,
  env: Env = {},
  file: string | null = '/etc/serin/f',
): Config {
  const result = parseConfig(text, { file, env })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.config
}

/** One part of a file, and all that is said about it (after file, line, column and `services.m.`). */
export type Case = readonly [found: string, ...said: string[]]

/** Asserts what is said about each part, once `wrap` has put it into a file. */
export function checkCases(t: Test, cases: readonly Case[], wrap: (found: string) => string): void {
  for (const [found, ...said] of cases) {
    const problems = problemsOf(wrap(found)).map((problem) =>
      problem.replace(/^f:\d+:\d+: (services\.m\.)?/, ''),
    )
    t.same(problems, said, found)
  }
}

/** A valid file: `service` goes into the service `m` (indent 4), `top` beside `gateway` (indent 0). */
export function file({ service = '', top = '', variants = '', gateway = '' } = {}): string {
  return `version: 1
gateway: { listen: 127.0.0.1:0${gateway} }
${top}
services:
  m:
    match: { path: /m }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:1"] }
      canary: { version: "2", upstreams: ["http://127.0.0.1:2"] }
${variants}
${service}
`
}
