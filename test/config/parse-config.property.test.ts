import { readFileSync } from 'node:fs'
import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { EXAMPLE_ENV } from './example-env.ts'

type Tree = { [key: string]: unknown }

const base = parse(readFileSync('config/example.yaml', 'utf8')) as Tree
const env = EXAMPLE_ENV

/** Paths of every value in a tree. */
function paths(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (value === null || typeof value !== 'object') return [path]
  return [path, ...Object.entries(value).flatMap(([key, child]) => paths(child, [...path, key]))]
}

/** A copy of a tree in which the value at a path is another one, or (undefined) gone. */
function replace(tree: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const entries = Object.entries(tree as Tree).flatMap(([name, child]): [string, unknown][] => {
    const next = name === key ? replace(child, rest, value) : child
    return next === undefined ? [] : [[name, next]]
  })
  return Array.isArray(tree) ? entries.map(([, child]) => child) : Object.fromEntries(entries)
}

const odd = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<unknown>(null, 0, -1, 1.5, true, '', '5%', '10s', '${X}', '*', [], {}, [[]], {
    weight: '5%',
  }),
  fc.string(),
  fc.jsonValue({ maxDepth: 2 }),
)

t.test('a file with any part replaced is valid or refused at places of the text', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...paths(base).slice(1)), odd, (path, value) => {
      const text = stringify(replace(base, path, value), { aliasDuplicateObjects: false })
      const lines = text.split('\n').length
      const result = parseConfig(text, { file: 'f', env })
      if (result.ok) return true
      return (
        result.problems.length > 0 &&
        result.problems.every(
          ({ line, column, message }) =>
            line !== null && line >= 1 && line <= lines && column !== null && message !== '',
        )
      )
    }),
    { numRuns: 200, seed: 7 },
  )
  t.end()
})

t.test('any text is read or refused, never thrown on', (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80, unit: 'grapheme' }), (text) => {
      const result = parseConfig(text, { file: null, env: {} })
      return !result.ok && result.problems.length > 0
    }),
    { numRuns: 200, seed: 7 },
  )
  t.end()
})
