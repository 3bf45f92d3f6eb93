import type { DecisionJson, ServiceJson } from '../../../src/admin/present.ts'
import { CANARY } from '../../../src/domain/variant.ts'
import type { Contract } from '../../admin/contract.ts'
import { askAdmin, type AdminAnswer, type AdminRequest } from '../../e2e/support/admin-api.ts'
import { compareServed, compareUnanswered, type AccessLines } from './access-lines.ts'
import type { Chance } from './chance.ts'
import { countRequests } from './count-requests.ts'
import { compareMetrics, spoiltSamples } from './compare-metrics.ts'
import type { LifeGateway } from './life-gateway.ts'
import { stepsOf, type LifeLog } from './life-log.ts'
import type { LifeTraffic } from './life-traffic.ts'

/** What was done to a service by now. */
export type Done = {
  /** Milliseconds since the life began. */
  readonly now: number
  readonly requests: number
  readonly labels: number
}

/** Metrics whose units are labels. */
const LABELLED: readonly string[] = ['rmse', 'mae', 'log-loss', 'accuracy']

/** What no text for people has in it. */
const SPOILT = /\bundefined\b|\bNaN\b|\[object|\bInfinity\b|-0 %|null ms|null %/

/** The same of the log's JSON, where an error's stack may say anything. */
export function isSpoilt(text: string): boolean {
  return SPOILT.test(text)
}

/** After a decision a gateway that follows knows of it within this, in milliseconds. */
const KNOWN_EVERYWHERE_MS = 1000

/** Asks gateways what they know, and holds their answers against the document, each other, and what was done. */
export class LifeInspector {
  readonly #contract: Contract
  readonly #log: LifeLog
  readonly #access: AccessLines
  readonly #onFault: (what: string) => void

  constructor(
    contract: Contract,
    { access, log }: { readonly access: AccessLines; readonly log: LifeLog },
    onFault: (what: string) => void,
  ) {
    this.#contract = contract
    this.#log = log
    this.#access = access
    this.#onFault = onFault
  }

  /** Asks once; an answer that the document does not have, or a text that is spoilt, is a fault. */
  async ask(gateway: LifeGateway, path: string, asked: AdminRequest = {}): Promise<AdminAnswer> {
    const { method = 'GET' } = asked
    const answer = await askAdmin(gateway.admin, path, asked)
    const { status: statusCode, headers, text: body, json } = answer
    const told = `${method} ${path}: ${statusCode}`
    const wrong = this.#contract.check(method, path, {
      ...{ statusCode, headers, body, json },
    } as never)
    for (const each of wrong.slice(0, 2)) this.#onFault(`${told}: ${each}: ${body.slice(0, 500)}`)
    const at = body.search(SPOILT)
    const isText = !path.startsWith('/metrics') || /="(undefined|NaN|\[object)/.test(body)
    if (at !== -1 && isText)
      this.#onFault(`${told}: ${body.slice(Math.max(0, at - 300), at + 100)}`)
    if (statusCode === 500) this.#onFault(`${told}: ${body}`)
    return answer
  }

  /** Everything that a gateway says of a service, and in `/metrics`. */
  async look(gateway: LifeGateway, name: string, chance: Chance, done: Done): Promise<void> {
    const at = `/api/v1/services/${name}`
    const service = (await this.ask(gateway, at)).json<ServiceJson>()
    const { text } = await this.ask(gateway, '/metrics')
    for (const line of spoiltSamples(text)) this.#onFault(`${gateway.name}: /metrics has ${line}`)
    const again = (await this.ask(gateway, at)).json<ServiceJson>()
    // Orders may be carried out meanwhile.
    if (JSON.stringify(again) === JSON.stringify(service)) {
      for (const what of compareMetrics(service, text)) {
        this.#onFault(`${gateway.name}, ${name}: ${what}`)
      }
    }
    this.#compareLog(gateway, service, done.now)
    this.#compareDone(gateway, service, done)
    const rps = chance.pick('', '?rps=0.1', '?rps=1000&regression=0.5')
    const other = chance.pick(`/plan${rps}`, '/history', '/experiments', '/cohorts')
    await this.ask(gateway, `${at}${other}`)
    const { decisions } = (await this.ask(gateway, `${at}/decisions?limit=5`)).json<{
      decisions: readonly DecisionJson[]
    }>()
    const last = this.#log.lastNumber(name)
    if ((decisions[0]?.id ?? 0) !== last) {
      this.#onFault(`${gateway.name} has decision ${decisions[0]?.id} of ${name}, and not ${last}`)
    }
  }

  /** Counts and lines are those of what was sent; nothing is under way. */
  async count(gateway: LifeGateway, traffic: LifeTraffic): Promise<void> {
    for (const each of traffic.served) {
      if (each.gateway !== gateway) continue
      const wrong = compareServed(each, this.#access.find(gateway, each.requestId))
      if (wrong !== null) this.#onFault(wrong)
    }
    for (const each of traffic.unanswered) {
      if (each.gateway !== gateway) continue
      const wrong = compareUnanswered(each, this.#access.find(gateway, each.requestId))
      if (wrong !== null) this.#onFault(wrong)
    }
    const listed = (await this.ask(gateway, '/api/v1/services')).json<{
      services: readonly ServiceJson[]
    }>()
    const { text } = await this.ask(gateway, '/metrics')
    for (const service of listed.services) {
      const { name } = service
      if (gateway.wasWithout(name)) continue
      const own = this.#access.of(gateway, name)
      for (const what of countRequests(gateway, service, text, { own, sentAt: traffic.sentAt })) {
        this.#onFault(`${gateway.name} counts of ${name} ${what}`)
      }
    }
  }

  /** Nothing is judged more than once. */
  #compareDone(gateway: LifeGateway, { name, metrics }: ServiceJson, done: Done): void {
    for (const { name: metric, kind, baseline, canary, evidence } of metrics) {
      if (evidence.harm === null && evidence.nonInferiority === null) continue
      const units = [baseline?.n ?? 0, canary?.n ?? 0] as const
      // Both sides of a pair are one request.
      const judged = metric.endsWith('/mirror') ? Math.max(...units) : units[0] + units[1]
      const most = LABELLED.includes(kind) ? done.labels : done.requests
      if (judged <= most) continue
      this.#onFault(`${gateway.name} has ${judged} units of ${metric} of ${name}, of ${most}`)
    }
  }

  #compareLog(gateway: LifeGateway, service: ServiceJson, now: number): void {
    const last = this.#log.last(service.name)
    const taken = gateway.taken.at(-1)!
    if (last === null || service.phase === null) return
    if (now - Math.max(last.at, taken.at, gateway.hadStoreAt) <= KNOWN_EVERYWHERE_MS) return
    const { state } = last
    if (service.variants[CANARY]!.version !== state.canaryVersion) return
    const step = service.step!
    // A file that has not come to all counts its own steps.
    const kept = this.#log.state(service.name)!
    const isCounted = step.of === stepsOf(kept)
    const said = `${service.phase} at ${service.weights[CANARY]} %, step ${isCounted ? step.index : kept.step}`
    const stored = `${state.phase} at ${state.weightBp / 100} %, step ${kept.step}`
    if (said !== stored) {
      this.#onFault(`${gateway.name} has ${service.name} ${said}, the log ended in ${stored}`)
    }
  }
}
