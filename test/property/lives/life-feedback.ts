import type { FeedbackReport } from '../../../src/admin/admin-deps.ts'
import { analysisOf } from '../../../src/domain/service.ts'
import type { Chance } from './chance.ts'
import type { LifeGateway } from './life-gateway.ts'
import type { LifeInspector } from './life-inspector.ts'
import { BEGINNING, type LifeTime } from './life-time.ts'
import type { Served } from './served-requests.ts'

/** A prediction is in the store within this, for all gateways. */
const STORED_MS = 500

type Line = Readonly<Record<string, unknown>>

/** Names what is no event. */
const LABEL = 'label'
const EVENTS = ['buy', 'view', 'click', 'refund', 'complaint'] as const
/** Lines that a service has no use for are refused one by one, and say why. */
const USELESS = /unknown service|no metric of|has no value|mean is of values|no number|beyond/

/** Posts what became of requests, to any gateway, and holds what it is told of them against what it posted. */
export class LifeFeedback {
  /** Lines by what became of them, over the life. */
  readonly all = { joined: 0, unmatched: 0, late: 0, duplicate: 0, rejected: 0 }
  readonly #chance: Chance
  readonly #time: LifeTime
  readonly #inspector: LifeInspector
  readonly #onFault: (what: string) => void
  /** Lines that were joined: once. */
  readonly #joined: Line[] = []
  /** Labels that were posted, by service. */
  readonly labels = new Map<string, number>()
  readonly #labelled = new Set<string>()
  #events = 0

  constructor(
    chance: Chance,
    time: LifeTime,
    inspector: LifeInspector,
    onFault: (what: string) => void,
  ) {
    this.#chance = chance
    this.#time = time
    this.#inspector = inspector
    this.#onFault = onFault
  }

  /** Posts labels and events of some of these. */
  async post(gateway: LifeGateway, served: readonly Served[]): Promise<void> {
    const known = Array.from({ length: this.#chance.pick(1, 1, 5, 60) }, () =>
      this.#line(served),
    ).filter((l) => l !== null)
    await this.#send(gateway, known)
  }

  /** What was asked for while all gateways were well, and has its window yet, is known and not late. */
  async postInTime(gateway: LifeGateway, served: readonly Served[]): Promise<void> {
    const now = this.#time.ms
    const lines = served.flatMap((each): Line[] => {
      const { service, requestId, at, isRead, isFallback } = each
      const windowMs = labelWindowOf(each)
      const isIn = windowMs !== null && now - at >= STORED_MS && now - at <= windowMs - STORED_MS
      if (!isIn || !isRead || isFallback || this.#labelled.has(requestId)) return []
      this.#note(service, requestId)
      return [{ service, requestId, label: this.#chance.draw() }]
    })
    const asked = new Set([gateway, ...served.map((each) => each.gateway)])
    const takenBy = () => [...asked].reduce((sum, { taken }) => sum + taken.length, 0)
    const taken = takenBy()
    const report = await this.#send(gateway, lines)
    if (report === null || report.joined + report.rejected.length === lines.length) return
    // Who has to hear of cohorts first answers later, and another file may have come by then.
    if (takenBy() > taken) return
    this.#onFault(`${gateway.name} has ${JSON.stringify(report)} of ${JSON.stringify(lines)}`)
  }

  /** What was joined is known already, wherever it is posted again. */
  async repeat(gateway: LifeGateway): Promise<void> {
    const again = this.#joined.slice(-40)
    const report = await this.#send(gateway, again)
    if (report === null || report.joined === 0) return
    this.#onFault(`${gateway.name} joined ${report.joined} of ${again.length} lines again`)
  }

  /** The store may not know what was joined any more. */
  forget(): void {
    this.#joined.length = 0
  }

  /** What nobody has asked for is not known. */
  async invent(gateway: LifeGateway, service: string): Promise<void> {
    const lines = [1, 2, 3].map((n) => ({ service, requestId: `nobody-${n}`, label: n }))
    const report = await this.#send(gateway, lines)
    if (report === null || report.unmatched === lines.length) return
    this.#onFault(`${gateway.name} knows requests that nobody made: ${JSON.stringify(report)}`)
  }

  #line(served: readonly Served[]): Line | null {
    const chance = this.#chance
    if (served.length === 0) return null
    // The newest mostly, and some that are old.
    const back = Math.floor(chance.draw() ** 3 * Math.min(served.length, 3000))
    const { gateway, service, requestId, user } = served[served.length - 1 - back]!
    const wanted = wantedOf(gateway, service)
    // Some that nothing waits for.
    const isStray = wanted.length === 0 || chance.isSo(0.1)
    const event = isStray ? chance.pick(LABEL, ...EVENTS) : chance.pick(...wanted)
    if (event === LABEL) {
      if (this.#labelled.has(requestId)) return null
      this.#note(service, requestId)
      return { service, requestId, label: chance.pick(0, 1, 0.3, 0.9, -5, 1e6) }
    }
    const by = user !== null && chance.isSo(0.3) ? { key: user } : { requestId }
    const values = { amount: chance.draw() * 50, ms: chance.draw() * 10, n: chance.pick(1, 2, 0) }
    const at = new Date(BEGINNING + this.#time.ms - chance.draw() * 20_000).toISOString()
    return {
      ...{ service, ...by, event, id: `event-${++this.#events}` },
      ...(chance.isSo(0.5) ? { value: chance.pick(1, 5.5, -2, 0, 1000) } : {}),
      ...(chance.isSo(0.5) ? { values } : {}),
      ...(chance.isSo(0.1) ? { at } : {}),
    }
  }

  #note(service: string, requestId: string): void {
    this.#labelled.add(requestId)
    this.labels.set(service, (this.labels.get(service) ?? 0) + 1)
  }

  /** Null: it was refused whole, or nothing was posted. */
  async #send(gateway: LifeGateway, lines: readonly Line[]): Promise<FeedbackReport | null> {
    if (lines.length === 0) return null
    const answer = await this.#inspector.ask(gateway, '/api/v1/feedback', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })
    if (answer.status === 503) {
      if (!gateway.isTroubled) this.#onFault(`${gateway.name} takes no feedback: ${answer.text}`)
      return null
    }
    const report = answer.json<FeedbackReport>()
    const { joined, unmatched, late, duplicate, rejected } = report
    const sum = joined + unmatched + late + duplicate + rejected.length
    if (sum !== lines.length) {
      this.#onFault(`${lines.length} lines came to ${sum}: ${answer.text}`)
    }
    for (const { error } of rejected) {
      if (!USELESS.test(error)) this.#onFault(`a line is rejected: ${error}`)
    }
    this.all.joined += joined
    this.all.unmatched += unmatched
    this.all.late += late
    this.all.duplicate += duplicate
    this.all.rejected += rejected.length
    const refused = new Set(rejected.map(({ line }) => line - 1))
    const taken = lines.filter((_, index) => !refused.has(index))
    if (joined === taken.length) {
      this.#joined.push(...taken.filter((line) => isOfRequest(line, gateway)))
    }
    return report
  }
}

/** What the metrics of a service wait for: names of events, and `LABEL`. */
function wantedOf({ services }: LifeGateway, name: string): readonly string[] {
  const metrics = (services[name]?.analysis['metrics'] ?? {}) as Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >
  return Object.values(metrics).flatMap((metric) => {
    if ('labelWindow' in metric) return [LABEL]
    const { event, numerator, denominator } = metric
    return [event, numerator, denominator].filter((each) => typeof each === 'string')
  })
}

/** How long labels of a request are waited for, in milliseconds; null = they are not, or its service is another one by now. */
function labelWindowOf({ gateway, service: name, at }: Served): number | null {
  if (gateway.isDead || gateway.taken.at(-1)!.at >= at) return null
  const service = gateway.config.services.find((each) => each.name === name)
  if (service === undefined || service.observe.prediction === null || service.observe.sample < 1) {
    return null
  }
  // With the first weight what labels say of pairs is over.
  if (service.rollout?.steps.some(({ kind }) => kind === 'mirror')) return null
  const windows = analysisOf(service)?.metrics.flatMap((metric) =>
    'labelWindowMs' in metric ? [metric.labelWindowMs] : [],
  )
  return windows === undefined || windows.length === 0 ? null : Math.min(...windows)
}

/**
 * Whether a line is about one request for good: an event of a key is about the request that its key is judged by, which
 * may be a later one.
 */
function isOfRequest(line: Line, { services }: LifeGateway): boolean {
  return 'label' in line || services[String(line['service'])]?.split?.['key'] === undefined
}
