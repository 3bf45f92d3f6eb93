/**
 * Offset of the first character at which `text` stops being JSON (RFC 8259); its length when it ends
 * too early. For texts that `JSON.parse` refused: its own message names the offset only sometimes.
 */
export function findJsonError(text: string): number {
  const closers: string[] = []
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    at = skip(WHITESPACE, text, at)
    const char = text[at]
    if (char === undefined) return at
    const closer = closers.at(-1)
    const mayClose: boolean = expected === 'next' || expected.startsWith('first')
    if (mayClose && char === closer) {
      closers.pop()
      at += 1
      expected = 'next'
    } else if (expected === 'next') {
      if (char !== ',' || closer === undefined) return at
      at += 1
      expected = closer === '}' ? 'key' : 'value'
    } else if (expected === 'colon') {
      if (char !== ':') return at
      at += 1
      expected = 'value'
    } else if (char === '"') {
      const end = findStringEnd(text, at)
      if (text[end] !== '"') return end
      at = end + 1
      expected = expected.endsWith('key') ? 'colon' : 'next'
    } else if (expected.endsWith('key')) {
      return at
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']')
      at += 1
      expected = char === '{' ? 'first-key' : 'first-value'
    } else {
      const end = skip(SCALAR, text, at)
      if (end === at) return at
      at = end
      expected = 'next'
    }
  }
}

type Expected = 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'next'

const WHITESPACE = /[ \t\n\r]*/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Offset of the quote that ends the string at `at`, or of what cannot stand in it. */
function findStringEnd(text: string, at: number): number {
  let end = at + 1
  for (;;) {
    const char = text[end]
    if (char === undefined || char === '"' || char < ' ') return end
    const next = char === '\\' ? skip(ESCAPE, text, end) : end + 1
    if (next === end) return end
    end = next
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
