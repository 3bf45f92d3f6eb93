import type { YamlProblem } from './explain-yaml-error.ts'

/**
 * Says of a mistake of the YAML that a line has no colon, where it is that; else null. Such a line is taken for the
 * beginning of the next one's key, or for a key without a value; where a comment ends it, the next line is found amiss.
 */
export function explainMissingColon(
  { code, pos, message }: YamlProblem,
  text: string,
): { readonly offset: number; readonly message: string } | null {
  if (
    code === 'MULTILINE_IMPLICIT_KEY' ||
    (code === 'MISSING_CHAR' && message.startsWith('Implicit'))
  )
    return ask(text, pos[0])
  if (code !== 'BAD_INDENT') return null
  const before = lineBefore(text, startOfText(text, pos[0]))
  return before === null ? null : ask(text, before)
}

/** Where the text goes on after blank lines and comments. */
export function startOfText(text: string, from: number): number {
  return from + /^(?:[ \t]*(?:#.*)?\r?\n)*[ \t]*/.exec(text.slice(from))![0].length
}

/** Where the last line before begins that says something, if it is in the same column and has no colon. */
function lineBefore(text: string, offset: number): number | null {
  const lines = text.slice(0, offset).split('\n')
  const indent = lines.pop()!
  const at = lines.findLastIndex((line) => !/^\s*(?:#|$)/.test(line))
  const line = lines[at]
  if (line === undefined || line.search(/\S/) !== indent.length) return null
  if (/:(?:\s|$)/.test(line.replace(/\s#.*/, ''))) return null
  return lines.slice(0, at).reduce((sum, { length }) => sum + length + 1, indent.length)
}

function ask(text: string, offset: number): { offset: number; message: string } | null {
  const rest = text.slice(offset)
  // Of text in quotes or brackets, or of an entry of a list, the first word is no key.
  if (/^(?:["'[{]|- )/.test(rest)) return null
  // Another white space than that of YAML, such as one that does not break, is no blank behind a colon.
  const isGlued = /^[^\s:/]+:[^ \t\r\n/]/.test(rest)
  const asked = isGlued
    ? 'a blank missing after its first colon'
    : 'a colon missing after its first word'
  return { offset, message: `this line is no key with a value: is ${asked}?` }
}
