import type { Clock } from '../domain/clock.ts'
import type { Command } from '../domain/decision.ts'
import type { CommandOutcome, Order } from '../domain/order.ts'
import type { OrderStore } from '../store/store.ts'
import {
  decidedOtherwise,
  DECIDED_ELSEWHERE,
  LEASE_LOST,
  maybeTaken,
  notTaken,
  STORE_FAILED,
  unanswered,
  UNSTORED_THERE,
} from './command-results.ts'
import { GivenOrders, ORDER_TTL_MS } from './given-orders.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { RunnerResult } from './runner-deps.ts'
import type { Services } from './services.ts'

/** What commands need of the world. */
export type CommandsDeps = {
  readonly store: OrderStore
  readonly clock: Clock
  readonly holder: string
  /** Told of an abort that another process gave, and that is in force here and not stored yet. */
  readonly onUnstored: (service: string, order: Command) => Promise<void>
  readonly onError: (what: string, error: unknown) => void
}

type Carrying = Pick<Services, 'command' | 'abortHere' | 'unstoredOf' | 'subjectOf' | 'catchUp'>

/** Operators' commands: carried out where this process decides, and handed through the store to the one that does where not. */
export class Commands {
  readonly #deps: CommandsDeps
  readonly #services: Carrying
  readonly #lease: Pick<LeaseKeeper, 'lead' | 'holder' | 'current'>
  readonly #differs: (service: string) => boolean
  readonly #given: GivenOrders
  readonly #underWay = new Set<Promise<void>>()

  /** `differs`: who decides has another configuration of a service. */
  constructor(
    deps: CommandsDeps,
    services: Carrying,
    lease: Pick<LeaseKeeper, 'lead' | 'holder' | 'current'>,
    differs: (service: string) => boolean,
  ) {
    this.#deps = deps
    this.#services = services
    this.#lease = lease
    this.#differs = differs
    this.#given = new GivenOrders(deps.store, deps.clock, deps.holder)
  }

  /** Null: the service has neither a rollout nor a fixed split. Where another process decides this takes some looks. */
  async obey(
    service: string,
    command: Command,
    ifMatch: number | null,
  ): Promise<RunnerResult | null> {
    const result = await this.#services.command(service, command, ifMatch)
    if (result !== DECIDED_ELSEWHERE || this.#lease.lead !== 'elsewhere') return result
    const { holder } = this.#lease
    // What is aborted is named, and needs nothing else that both must mean.
    if (this.#differs(service) && command.verb !== 'abort') return decidedOtherwise(holder)
    const subject = this.#services.subjectOf(service)!
    try {
      const heard = await this.#given.give({ service, command, ifMatch, subject })
      if (heard === 'free') return await this.#services.command(service, command, ifMatch)
      if (heard === 'not-taken') return notTaken(holder)
      if (heard === 'taken') return unanswered(holder)
      // Who asks next is told what it has come to.
      if (heard.ok) await this.#services.catchUp(service)
      return heard
    } catch (error) {
      this.#deps.onError(`${command.verb} of ${service}`, error)
      if (command.verb !== 'abort') return maybeTaken(holder)
      // As where the store was away before.
      return (await this.#services.abortHere(service, command, ifMatch)) ?? STORE_FAILED
    }
  }

  /** Hears of orders that were given here, and takes those of others. Rejects when the store cannot be asked. */
  async look(hasOthers: boolean): Promise<void> {
    await this.#given.hear(this.#lease.lead === 'here')
    const lease = this.#lease.current()
    if (lease === null || !hasOthers) return
    const taken = await this.#deps.store.takeOrders(lease, this.#deps.clock.now())
    for (const order of taken ?? []) {
      const done = this.#answer(order).finally(() => this.#underWay.delete(done))
      this.#underWay.add(done)
    }
  }

  /** Takes back what was given, and ends what was taken. Never rejects. */
  async end(): Promise<void> {
    await this.#given.end()
    await Promise.all(this.#underWay)
  }

  async #answer(order: Order): Promise<void> {
    const { store, clock, onError } = this.#deps
    try {
      const answer = await this.#carryOut(order)
      await store.answerOrder(order.id, answer, ORDER_TTL_MS, clock.now())
    } catch (error) {
      onError(`${order.command.verb} of ${order.service}`, error)
    }
  }

  async #carryOut({ service, command, ifMatch, subject }: Order): Promise<CommandOutcome> {
    const { holder, onUnstored } = this.#deps
    const own = this.#services.subjectOf(service)
    if (own !== null && own !== subject) return decidedOtherwise(holder, { own, subject })
    const result = await this.#services.command(service, command, ifMatch)
    if (result === null) return decidedOtherwise(holder, { own: 'nothing', subject })
    if (result === DECIDED_ELSEWHERE) return LEASE_LOST
    if (!result.ok || result.decision !== null) return result
    if (this.#services.unstoredOf(service) === null) return result
    await onUnstored(service, command)
    return UNSTORED_THERE
  }
}
