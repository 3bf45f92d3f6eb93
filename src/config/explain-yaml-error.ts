import { isMap, isNode, visit, type Document, type Pair, type Scalar } from 'yaml'
import { explainMissingColon, startOfText } from './explain-missing-colon.ts'
import type { Position, YamlFinding } from './read-yaml.ts'

/** A mistake as the parser tells it. */
export type YamlProblem = {
  readonly code: string
  readonly pos: readonly [number, number]
  readonly message: string
}

/** What a mistake is explained by: the text, what could be read of it, and its lines and columns. */
export type YamlContext = {
  readonly text: string
  readonly document: Document
  readonly position: (offset: number) => Position
}

/** One mistake of the YAML in words and at the place where it was made, without quoting the text. */
export function explainYamlError(problem: YamlProblem, context: YamlContext): YamlFinding {
  if (problem.code === 'MULTIPLE_DOCS')
    return {
      offset: problem.pos[0],
      path: [],
      message: 'a second document begins here: the configuration is one document',
    }
  const explained =
    explainQuote(problem, context) ??
    explainMissingColon(problem, context.text) ??
    explainIndent(problem, context)
  // What stands after a colon quotes the text.
  const { offset, message } = explained ?? {
    offset: problem.pos[0],
    message: `${problem.message.replace(/: ["'].*$/s, '')}${adviseQuotes(problem, context.text)}`,
  }
  return { offset, path: [], message: `not valid YAML: ${message}` }
}

type Explained = { readonly offset: number; readonly message: string }

/** A quote that is not closed takes what comes after it for its own, to the next quote or the end of its block. */
function explainQuote(
  { code, pos: [offset], message }: YamlProblem,
  { text, document, position }: YamlContext,
): Explained | null {
  const isOpen = code === 'MISSING_CHAR' && /^Missing closing ["']/.test(message)
  if (!isOpen && code !== 'UNEXPECTED_TOKEN') return null
  let found: number | null = null
  visit(document, {
    Scalar: (_, { type, range }: Scalar) => {
      if (type?.startsWith('QUOTE') !== true || range == null || range[1] > offset) return
      const isBefore = isOpen ? range[1] === offset : text.slice(range[1], offset).trim() === ''
      if (isBefore) found = range[0]
    },
  })
  if (found === null) return null
  if (isOpen) return { offset: found, message: 'the quote that opens here is not closed' }
  const { line, column } = position(found)
  const where = `line ${line}, column ${column}`
  return {
    offset,
    message: `this follows a text in quotes, which opens in ${where}: a quote is missing there, or one is too many`,
  }
}

/** The parser points before what stands in the wrong column, and not to its neighbours. */
function explainIndent(
  { code, pos, message }: YamlProblem,
  { text, document, position }: YamlContext,
): Explained | null {
  if (code !== 'BAD_INDENT' || !message.endsWith('must start at the same column')) return null
  const offset = startOfText(text, pos[0])
  let neighbour: number | null = null
  visit(document, {
    Collection: (_, node) => {
      const [start, end] = node.range ?? [0, 0]
      if (node.flow === true || pos[0] < start || pos[0] >= end) return
      const starts = node.items.flatMap((item) => startOf(isMap(node) ? (item as Pair).key : item))
      neighbour = starts.findLast((start) => start < offset) ?? null
    },
  })
  if (neighbour === null) return null
  return {
    offset,
    message: `this begins in another column than its neighbours: compare its indentation with line ${position(neighbour).line}`,
  }
}

function startOf(node: unknown): readonly number[] {
  return isNode(node) && node.range != null ? [node.range[0]] : []
}

function adviseQuotes({ code, pos: [offset] }: YamlProblem, text: string): string {
  // Right behind other text a bracket was meant as a part of it: `{ prediction: outputs[0] }`.
  const isInValue = /^[^\s,:[{][[\]{}]$/.test(text.slice(offset - 1, offset + 1))
  if (isInValue) return ': put the whole value in quotes, since brackets within { } or [ ] are YAML'
  return code === 'BAD_SCALAR_START' || code === 'BLOCK_AS_IMPLICIT_KEY'
    ? ': if this is one value, put the whole of it in quotes'
    : ''
}
