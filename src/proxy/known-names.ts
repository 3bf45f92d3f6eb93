import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Clock } from '../domain/clock.ts'

/** What is known of names comes from here, and goes there. */
export type KnownNamesDeps = {
  readonly clock: Clock
  /** All addresses of a name in the order in which they should be tried; may reject, and may never answer. */
  readonly resolve: (name: string) => Promise<readonly LookupAddress[]>
  /** From now on a name cannot be looked up; `addresses` stay in force, none = it was never found. */
  readonly onFailing: (name: string, why: string, addresses: readonly string[]) => void
  /** A name that failed is found again. */
  readonly onFound: (name: string, addresses: readonly string[]) => void
}

/** Of a name that cannot be looked up. */
export type FailingName = {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The resolver's code, or its message. */
  readonly why: string
  /** Where it led last, in order: they stay in force. Empty: it was never found. */
  readonly addresses: readonly string[]
}

/** How long what a name leads to is believed. */
const LOOKUP_MS = 30_000

/** Who has no address waits no longer than this. */
const PATIENCE_MS = 10_000

/**
 * Most lookups at once. libuv runs them on half of its four threads: a third would wait there all the same,
 * and hold up the lookups of others.
 */
const MOST_AT_ONCE = 2

type Name = {
  /** Empty: it was never found. */
  addresses: readonly LookupAddress[]
  /** Monotonic. */
  askedAt: number
  /** The lookup that is under way, or waits for its turn. */
  asking: Promise<void> | null
  waiting: ((error: NodeJS.ErrnoException | null) => void)[]
  isDoubted: boolean
  /** Null: its last lookup found it, or it is the first. */
  failing: Pick<FailingName, 'since' | 'why'> | null
  /** How many have asked for its addresses. */
  asked: number
}

/**
 * The addresses of upstreams' names. A name that was found once leads there until it is found elsewhere,
 * however long the resolver fails or is silent: only the first connections to a name wait for one.
 */
export class KnownNames {
  readonly #deps: KnownNamesDeps
  readonly #names = new Map<string, Name>()
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(deps: KnownNamesDeps) {
    this.#deps = deps
  }

  /**
   * What `net.connect` and `tls.connect` take for `dns.lookup`; options of its caller but `all` do not
   * matter. Addresses of one family take turns at being the first, as those that a resolver gives do: new
   * connections spread over them. Fails as the resolver does, or with EAI_AGAIN when that has not
   * answered in about 10 s.
   */
  readonly lookup: LookupFunction = (name, { all }, callback) => {
    const of = this.#of(name)
    const answer = (error: NodeJS.ErrnoException | null): void => {
      if (error !== null) return callback(error, [])
      const addresses = takeTurns(of.addresses, of.asked++)
      if (all === true) callback(null, addresses)
      else callback(null, addresses[0]!.address, addresses[0]!.family)
    }
    if (of.addresses.length > 0) return process.nextTick(answer, null)
    of.waiting.push(answer)
    void this.#ask(name, of)
  }

  /** Whether a name should be refreshed: the last lookup is 30 s old, or what it found is in doubt. */
  isDue(name: string): boolean {
    const { asking, askedAt, isDoubted } = this.#of(name)
    return asking === null && (isDoubted || this.#deps.clock.monotonic() - askedAt >= LOOKUP_MS)
  }

  /** Asks the resolver. Resolves with the addresses, in order, when they are others than before; else null. Never rejects. */
  async refresh(name: string): Promise<readonly string[] | null> {
    const of = this.#of(name)
    const before = sorted(of.addresses)
    await this.#ask(name, of)
    const after = sorted(of.addresses)
    return before.length > 0 && before.join() !== after.join() ? after : null
  }

  /** Somebody could not reach a server by this name: perhaps it has moved. Nothing where it is not known. */
  doubt(name: string): void {
    const of = this.#names.get(name)
    if (of !== undefined && of.addresses.length > 0) of.isDoubted = true
  }

  /** Whether a host is an address, or a name that was found once. */
  knows(host: string): boolean {
    return isIP(host) !== 0 || (this.#names.get(host)?.addresses.length ?? 0) > 0
  }

  /** What is known of a name while it cannot be looked up; null = it can, or nobody has asked for it. */
  failing(name: string): FailingName | null {
    const of = this.#names.get(name)
    if (of === undefined || of.failing === null) return null
    return { name, ...of.failing, addresses: sorted(of.addresses) }
  }

  /** Forgets all names but these. */
  keep(used: ReadonlySet<string>): void {
    for (const name of this.#names.keys()) if (!used.has(name)) this.#names.delete(name)
  }

  /** Ends the waiting for lookups that have not answered in time; to be called every second or so. */
  losePatience(): void {
    const now = this.#deps.clock.monotonic()
    for (const [name, of] of this.#names) {
      if (of.asking !== null && now - of.askedAt >= PATIENCE_MS) this.#failed(name, of, late(name))
    }
  }

  #of(name: string): Name {
    let of = this.#names.get(name)
    if (of === undefined) {
      of = {
        addresses: [],
        askedAt: -Infinity,
        asking: null,
        waiting: [],
        isDoubted: false,
        failing: null,
        asked: 0,
      }
      this.#names.set(name, of)
    }
    return of
  }

  /** One lookup of a name at a time: who comes later waits for the same. */
  #ask(name: string, of: Name): Promise<void> {
    if (of.asking === null) {
      of.askedAt = this.#deps.clock.monotonic()
      of.isDoubted = false
      of.asking = this.#resolve(name, of).then(
        (addresses) => {
          of.asking = null
          this.#found(name, of, addresses)
        },
        (error: NodeJS.ErrnoException) => {
          of.asking = null
          this.#failed(name, of, error)
        },
      )
    }
    return of.asking
  }

  async #resolve(name: string, { failing }: Name): Promise<readonly LookupAddress[]> {
    if (this.#running < MOST_AT_ONCE) this.#running++
    else {
      // Names that hang would hang again: the others first.
      await new Promise<void>((go) => this.#queue[failing !== null ? 'push' : 'unshift'](go))
    }
    try {
      const addresses = await this.#deps.resolve(name)
      if (addresses.length === 0) throw failure('ENOTFOUND', `${name} has no address`)
      return addresses
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  #found(name: string, of: Name, addresses: readonly LookupAddress[]): void {
    of.addresses = addresses
    if (of.failing !== null) this.#deps.onFound(name, sorted(addresses))
    of.failing = null
    this.#tellWaiting(of, null)
  }

  #failed(name: string, of: Name, error: NodeJS.ErrnoException): void {
    const why = error.code ?? error.message
    if (of.failing === null) this.#deps.onFailing(name, why, sorted(of.addresses))
    of.failing = { since: of.failing?.since ?? this.#deps.clock.now(), why }
    this.#tellWaiting(of, error)
  }

  #tellWaiting(of: Name, error: NodeJS.ErrnoException | null): void {
    for (const tell of of.waiting.splice(0)) tell(error)
  }
}

function late(name: string): NodeJS.ErrnoException {
  return failure('EAI_AGAIN', `the lookup of ${name} was not answered in time`)
}

function failure(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code })
}

function sorted(addresses: readonly LookupAddress[]): readonly string[] {
  return [...new Set(addresses.map(({ address }) => address))].toSorted()
}

/** The family that comes first stays so: which one that is the system knows best (RFC 6724). */
function takeTurns(addresses: readonly LookupAddress[], turn: number): LookupAddress[] {
  const isFirst = ({ family }: LookupAddress) => family === addresses[0]!.family
  const first = addresses.filter(isFirst)
  const others = addresses.filter((address) => !isFirst(address))
  return [...rotate(first, turn), ...rotate(others, turn)]
}

function rotate<T>(all: readonly T[], turn: number): readonly T[] {
  const start = turn % all.length
  return [...all.slice(start), ...all.slice(0, start)]
}
