import { KEY_PLACES } from '../domain/key-places.ts'
import type { RuleFigures } from './rule-book.ts'

/** Entries that are kept before they are posted. */
const ENTRIES = 32
/** Numbers of an entry: a power of two, so that it lies in one line of the processor's cache. */
const WIDTH = 4
/** Times to the heads of answers stand behind the entries. */
const HEADS_AT = ENTRIES * WIDTH

/** What else an entry has, in the lowest bits of its code. */
const DRAWN = 1
const SEGMENT = 2
const RULED = 4
const FIRST_BYTE = 8
const FLAGS = 16
/** Behind them the place of its key, one higher; 0 = it has none. */
const KEYS = KEY_PLACES + 1

/** A finished request as it stands in a journal. */
export type JournalEntry = {
  /** Its outcome, status and reason: `requestCode`. */
  readonly code: number
  readonly durationMs: number
  /** See `firstByteMs`; null = nobody asks. */
  readonly firstByteMs: number | null
  /** Time without an attempt under way; null = none was made. */
  readonly overheadMs: number | null
  /** When it ended, in epoch ms. */
  readonly at: number
  readonly isDrawn: boolean
  /** Where its key is dealt to, below KEY_PLACES; null = it was not drawn by a key. */
  readonly keyPlace: number | null
  /** Null where the service has none. */
  readonly segment: string | null
  /** The figures of its rule; null = it counts for none. */
  readonly ruled: RuleFigures | null
}

/** What the entries of a journal are posted to. */
export type Accounts = {
  /** The entry is another one after the call. */
  readonly add: (entry: JournalEntry) => void
  /** How long the head of an answer took, in ms. */
  readonly addHead: (ms: number) => void
}

/**
 * What is not counted yet. To write a request down touches a line or two of memory; to count it touches
 * dozens, all of them cold where a thousand services take turns. So requests are counted a few at a time:
 * when somebody reads the figures, or when the journal is full.
 */
export class RequestJournal {
  readonly #numbers = new Float64Array(HEADS_AT + ENTRIES)
  /** Of those entries that have one. */
  readonly #segments: string[] = []
  readonly #ruled: RuleFigures[] = []
  /** Beside the entries, so that those of a service that does not ask stay as short as they are. */
  #firstBytes: Float64Array | null = null
  #entries = 0
  #heads = 0

  /** There is no room for another entry, or for another head. */
  get isFull(): boolean {
    return this.#entries === ENTRIES || this.#heads === ENTRIES
  }

  /** Writes down a finished request; there must be room. */
  add(entry: JournalEntry): void {
    const { code, durationMs, firstByteMs, overheadMs, at, isDrawn, keyPlace, segment, ruled } =
      entry
    const place = this.#entries++
    const first = place * WIDTH
    let flags = isDrawn ? DRAWN : 0
    if (segment !== null) {
      flags |= SEGMENT
      this.#segments[place] = segment
    }
    if (ruled !== null) {
      flags |= RULED
      this.#ruled[place] = ruled
    }
    if (firstByteMs !== null) {
      flags |= FIRST_BYTE
      this.#firstBytes ??= new Float64Array(ENTRIES)
      this.#firstBytes[place] = firstByteMs
    }
    const key = keyPlace === null ? 0 : keyPlace + 1
    this.#numbers[first] = (code * KEYS + key) * FLAGS + flags
    this.#numbers[first + 1] = durationMs
    this.#numbers[first + 2] = overheadMs ?? Number.NaN
    this.#numbers[first + 3] = at
  }

  /** Writes down how long the head of an answer took; there must be room. */
  addHead(ms: number): void {
    this.#numbers[HEADS_AT + this.#heads++] = ms
  }

  /** Hands everything over, in order, and is empty then. */
  post(accounts: Accounts): void {
    const [heads, entries] = [this.#heads, this.#entries]
    this.#heads = 0
    this.#entries = 0
    for (let head = 0; head < heads; head++) accounts.addHead(this.#numbers[HEADS_AT + head]!)
    for (let place = 0; place < entries; place++) accounts.add(this.#entryAt(place))
  }

  #entryAt(place: number): JournalEntry {
    const first = place * WIDTH
    const code = this.#numbers[first]!
    const coded = Math.floor(code / FLAGS)
    const key = coded % KEYS
    const overheadMs = this.#numbers[first + 2]!
    handed.code = (coded - key) / KEYS
    handed.keyPlace = key === 0 ? null : key - 1
    handed.durationMs = this.#numbers[first + 1]!
    handed.firstByteMs = (code & FIRST_BYTE) === 0 ? null : this.#firstBytes![place]!
    handed.overheadMs = Number.isNaN(overheadMs) ? null : overheadMs
    handed.at = this.#numbers[first + 3]!
    handed.isDrawn = (code & DRAWN) !== 0
    handed.segment = (code & SEGMENT) === 0 ? null : this.#segments[place]!
    handed.ruled = (code & RULED) === 0 ? null : this.#ruled[place]!
    return handed
  }
}

/** The entry that is handed over now: an object for each request would be much of what counting it costs. */
const handed: { -readonly [Key in keyof JournalEntry]: JournalEntry[Key] } = {
  code: 0,
  durationMs: 0.5,
  firstByteMs: null,
  overheadMs: null,
  at: 0.5,
  isDrawn: false,
  keyPlace: null,
  segment: null,
  ruled: null,
}
