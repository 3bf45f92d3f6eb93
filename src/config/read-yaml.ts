import {
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml'
import { explainYamlError } from './explain-yaml-error.ts'
import type { ConfigPath, Finding } from './problem.ts'

/** A text as plain values, with the place of everything in it. */
export type YamlReading = {
  /** Maps are objects; `undefined` when the text could not be read at all. */
  readonly root: unknown
  /** Mistakes of the YAML itself, by offset into the text; where it cannot be parsed, the first alone. */
  readonly errors: readonly YamlFinding[]
  readonly warnings: readonly YamlFinding[]
  /** Line and column (from 1) of a path's value or key; of the nearest part above where it is absent. */
  readonly locate: (finding: Finding) => Position
  readonly position: (offset: number) => Position
  /** How a number, true or false was written: `1.40`. */
  readonly sourceOf: (path: ConfigPath) => string | null
}

/** A place in a text; both count from 1. */
export type Position = { readonly line: number; readonly column: number }

/** A mistake of the YAML at an offset; `path` is empty where it is not known. */
export type YamlFinding = {
  readonly offset: number
  readonly path: ConfigPath
  readonly message: string
}

/** Where something stands and how it was written, with the places of what is in it by key or index. */
type Place = {
  readonly key: number
  readonly value: number
  readonly source: string | null
  readonly inside: Map<string | number, Place>
}

/** Beyond this the aliases of a file are an attack or an accident, not a configuration. */
const MAX_NODES = 200_000
const MAX_DEPTH = 64

/** Reads YAML 1.2 with aliases and `<<` merges. Duplicate keys are reported and the first one holds. */
export function readYaml(text: string): YamlReading {
  const lineCounter = new LineCounter()
  // Pretty errors would quote the text, and with it a secret.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false })
  // What comes after the first one is often its consequence, token by token to the end of the text.
  const [first] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])
  const position = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const context = { text, document, position }
  const errors = first === undefined ? [] : [explainYamlError(first, context)]
  const warnings = document.warnings.map((warning) => explainYamlError(warning, context))
  const top = placeOf(document.contents, offsetOf(document.contents, 0))

  const locate = ({ path, atKey }: Finding): Position => {
    const places = placesAlong(top, path)
    const { key, value } = places.at(-1)!
    // What is missing is looked for at the key of the part above.
    return position(atKey === true || places.length <= path.length ? key : value)
  }
  const sourceOf = (path: ConfigPath) => {
    const places = placesAlong(top, path)
    return places.length > path.length ? places.at(-1)!.source : null
  }

  const root = errors.length > 0 ? undefined : new Conversion(document, top, errors).convert()
  return { root, errors, warnings, locate, position, sourceOf }
}

/** The places on the way to a path, from that of the whole on, as far as there are any. */
function placesAlong(top: Place, path: ConfigPath): readonly Place[] {
  const places = [top]
  for (const key of path) {
    const next = places.at(-1)!.inside.get(key)
    if (next === undefined) break
    places.push(next)
  }
  return places
}

function placeOf(node: unknown, keyOffset: number): Place {
  const source = isScalar(node) && typeof node.value !== 'string' ? (node.source ?? null) : null
  return { key: keyOffset, value: offsetOf(node, keyOffset), source, inside: new Map() }
}

/** Turns the nodes of one document into plain values and notes below `top` where each of them stands. */
class Conversion {
  readonly #document: Document
  readonly #top: Place
  readonly #errors: YamlFinding[]
  readonly #targets = new Map<Alias, unknown>()
  #nodes = 0
  #merges = 0
  #isFatal = false

  constructor(document: Document, top: Place, errors: YamlFinding[]) {
    this.#document = document
    this.#top = top
    this.#errors = errors
  }

  convert(): unknown {
    const root = this.#value(this.#document.contents, [], this.#top.key, null)
    return this.#isFatal ? undefined : root
  }

  #value(node: unknown, path: ConfigPath, keyOffset: number, above: Place | null): unknown {
    const offset = offsetOf(node, keyOffset)
    this.#nodes += 1
    if (path.length > MAX_DEPTH || this.#nodes > MAX_NODES) return this.#refuse(offset, path)
    if (this.#isFatal) return null
    if (isAlias(node)) return this.#value(this.#resolve(node, path), path, keyOffset, above)
    const place = above === null ? this.#top : placeOf(node, keyOffset)
    above?.inside.set(path.at(-1)!, place)
    if (isMap(node)) return this.#map(node, path, place)
    if (isSeq(node)) {
      return node.items.map((item, i) =>
        this.#value(item, [...path, i], offsetOf(item, offset), place),
      )
    }
    return isScalar(node) ? node.value : null
  }

  #map(node: YAMLMap, path: ConfigPath, place: Place): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    const merged = new Map<string, unknown>()
    const pairs = node.items.map((pair) => ({ pair, key: this.#key(pair, path) }))
    // Merges first: the places of own keys must win too.
    for (const { pair, key } of pairs)
      if (key === '<<') this.#merge(pair.value, path, offsetOf(pair.key, 0), place, merged)
    for (const { pair, key } of pairs) {
      if (key === null || key === '<<') continue
      const offset = offsetOf(pair.key, 0)
      if (entries.has(key)) {
        this.#errors.push({
          offset,
          path: [...path, key],
          message: 'the same key twice in one map',
        })
      } else {
        entries.set(key, this.#value(pair.value, [...path, key], offset, place))
      }
    }
    // fromEntries defines own properties, so that a key `__proto__` stays a key.
    return Object.fromEntries([...[...merged].filter(([key]) => !entries.has(key)), ...entries])
  }

  #key(pair: Pair, path: ConfigPath): string | null {
    const key = this.#resolve(pair.key, path)
    if (isScalar(key)) return typeof key.value === 'string' ? key.value : String(key.source)
    const message = 'a key is text: a map or a list cannot be one'
    this.#errors.push({ offset: offsetOf(key, 0), path, message })
    return null
  }

  // https://yaml.org/type/merge.html: own keys win, then earlier maps over later ones.
  #merge(
    node: unknown,
    path: ConfigPath,
    offset: number,
    place: Place,
    into: Map<string, unknown>,
  ): void {
    const target = this.#resolve(node, path)
    this.#merges += 1
    if (this.#merges > MAX_DEPTH) {
      this.#refuse(offset, path)
    } else if (isSeq(target)) {
      for (const item of target.items) this.#merge(item, path, offset, place, into)
    } else if (isMap(target)) {
      for (const [key, value] of Object.entries(this.#map(target, path, place)))
        if (!into.has(key)) into.set(key, value)
    } else {
      this.#errors.push({ offset, path, message: '<< takes a map, or a list of maps' })
    }
    this.#merges -= 1
  }

  /** What an alias stands for; anything else is itself. An alias of nothing ends the reading. */
  #resolve(node: unknown, path: ConfigPath): unknown {
    if (!isAlias(node)) return node
    if (!this.#targets.has(node)) {
      const target = node.resolve(this.#document)
      this.#targets.set(node, target ?? null)
      const message = `*${node.source} is the alias of nothing: no &${node.source} stands before it`
      if (target === undefined) this.#end({ offset: offsetOf(node, 0), path, message })
    }
    return this.#targets.get(node)
  }

  #refuse(offset: number, path: ConfigPath): null {
    const message = 'nested too deeply or repeated too often (an alias that contains itself?)'
    if (!this.#isFatal) this.#end({ offset, path: path.slice(0, 4), message })
    return null
  }

  #end(error: YamlFinding): void {
    this.#isFatal = true
    this.#errors.push(error)
  }
}

function offsetOf(node: unknown, otherwise: number): number {
  return (node as Node | null)?.range?.[0] ?? otherwise
}
