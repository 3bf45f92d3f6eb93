import type { Decision } from '../domain/decision.ts'
import type { AdminDeps } from './admin-deps.ts'
import { lastDecisionOf } from './present.ts'
import type { ServiceStatus } from './service-status.ts'

/** Decisions of one service that are read at once. */
const MOST_AT_ONCE = 100

/** Knows which decisions were seen, whoever made them: this process, or another one on the same store. */
export class DecisionWatch {
  readonly #read: AdminDeps['decisions']
  /** The newest that was seen, by service. */
  readonly #seen = new Map<string, number>()

  constructor(read: AdminDeps['decisions']) {
    this.#read = read
  }

  /** Forgets what was seen. */
  clear(): void {
    this.#seen.clear()
  }

  /** What is decided of a service by now is nothing new; of one that is known already nothing changes. */
  note(status: ServiceStatus): void {
    const { name } = status.service
    if (!this.#seen.has(name)) this.#seen.set(name, lastDecisionOf(status)?.id ?? 0)
  }

  /** What is new since the last look at this service, oldest first; nothing at the first look. */
  async take(status: ServiceStatus): Promise<readonly Decision[]> {
    const { name } = status.service
    const last = lastDecisionOf(status)
    const newest = last?.id ?? 0
    const seen = this.#seen.get(name) ?? newest
    // The last one is at hand; what came between is read.
    const decisions =
      last === null || newest <= seen
        ? []
        : newest === seen + 1
          ? [last]
          : await this.#readAfter(name, seen)
    // Not before it was read: what the store does not give this time it gives the next.
    this.#seen.set(name, newest)
    return decisions
  }

  /** What was decided about services from `since` on (milliseconds since the epoch), oldest first. */
  async since(statuses: readonly ServiceStatus[], since: number): Promise<readonly Decision[]> {
    const decisions: Decision[] = []
    for (const status of statuses) {
      if ((lastDecisionOf(status)?.at ?? -1) < since) continue
      decisions.push(...(await this.#readAfter(status.service.name, 0)))
    }
    return decisions.filter(({ at }) => at >= since).sort((a, b) => a.at - b.at)
  }

  async #readAfter(service: string, after: number): Promise<readonly Decision[]> {
    const newestFirst = await this.#read(service, { after, limit: MOST_AT_ONCE })
    return newestFirst.toReversed()
  }
}
