import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { RequestFields } from '../../../src/routing/fields.ts'
import type { Unanswered } from './access-lines.ts'
import type { Chance } from './chance.ts'
import type { LifeGateway } from './life-gateway.ts'
import { FATE, type Deed, type Fate, type LifeModels } from './life-models.ts'
import type { LifeTime } from './life-time.ts'
import type { Served } from './served-requests.ts'

const USERS = 300

/** An answer with a prediction that can be read. */
const READ = /^\{"score":/

/** Who may wait at a door waits for time to pass, and so does nobody for them longer than this, in real milliseconds. */
const DOOR_MS = 20

/** How the models answer for a while, and how many ask. */
export type Mood = {
  /** Share of the requests that fail at baseline, canary, and the third. */
  failing: readonly [number, number, number]
  /** The canary's scores are other ones. */
  isOdd: boolean
  /** Requests to a service in one turn, at most. */
  most: number
}

/** What a life asks of its services. */
export class LifeTraffic {
  readonly mood: Mood = { failing: [0.01, 0.01, 0.01], isOdd: false, most: 4 }
  /** Requests that were answered, in order. */
  readonly served: Served[] = []
  /** Those without a whole answer. */
  readonly unanswered: Unanswered[] = []
  /** When each was sent, milliseconds since the life began. */
  readonly sentAt = new Map<string, number>()
  readonly #agent = new Agent({ connections: 50 })
  readonly #chance: Chance
  readonly #models: LifeModels
  readonly #time: LifeTime
  readonly #underWay = new Set<Promise<void>>()
  /** How many were sent, by service. */
  readonly sent = new Map<string, number>()
  #count = 0

  constructor(chance: Chance, models: LifeModels, time: LifeTime) {
    this.#chance = chance
    this.#models = models
    this.#time = time
  }

  /** Sends one request; resolves when it is answered, or when its model holds it. */
  async send(gateway: LifeGateway, service: string): Promise<void> {
    const chance = this.#chance
    const requestId = `life-${++this.#count}`
    this.sent.set(service, (this.sent.get(service) ?? 0) + 1)
    const user = chance.isSo(0.03) ? null : `u${chance.whole(1, USERS)}`
    const tier = chance.pick('gold', 'platinum', 'basic', null)
    const body = { user, tier, n: chance.whole(0, 9), x: chance.draw() * 10 }
    const fate = this.#draw()
    const query = user === null ? '' : `?u=${user}`
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'x-request-id': requestId,
      [FATE]: JSON.stringify(fate),
      ...(user === null ? {} : { 'x-user': user, cookie: `u=${user}` }),
      ...(tier === null ? {} : { 'x-tier': tier }),
    }
    const at = this.#time.ms
    this.sentAt.set(requestId, at)
    const { aloneSince } = gateway
    const isHeld = fate.deeds.some((deed) => deed === 'held' || deed === 'streamed')
    const leaving = isHeld && chance.isSo(0.4) ? new AbortController() : null
    let isAnswered = false
    const sent = request(`${gateway.data}/${service}/predict${query}`, {
      ...{ method: 'POST', headers, body: JSON.stringify(body), dispatcher: this.#agent },
      ...(leaving === null ? {} : { signal: leaving.signal }),
    }).then(async (answer) => {
      isAnswered = true
      const isRead = READ.test(await answer.body.text())
      const told = (name: string) => answer.headers[name] as string | undefined
      const replaced = told('x-serin-fallback')
      const variant = replaced ?? String(told('x-serin-variant'))
      const error = told('x-serin-error') ?? null
      const fields = fieldsOf(headers, body, user)
      const known = { isRead, variant, isFallback: replaced !== undefined, fields, at, aloneSince }
      const { statusCode: status } = answer
      this.served.push({ ...known, status, error, gateway, service, requestId, user })
    })
    const done = sent.catch((error: unknown) => {
      // A process that is killed leaves its clients without an answer.
      if (gateway.isDead) return
      const hasLeft = leaving?.signal.aborted === true
      if (!hasLeft && !isAnswered) throw error
      this.unanswered.push({ gateway, service, requestId, hasLeft })
    })
    const known = done.finally(() => this.#underWay.delete(known))
    this.#underWay.add(known)
    const waited: Promise<unknown>[] = isHeld ? [done, this.#models.arrived(requestId)] : [done]
    await Promise.race(gateway.hasDoor(service) ? [...waited, delay(DOOR_MS)] : waited)
    leaving?.abort()
  }

  /** Resolves when all that is under way has ended; what is held has to be let go before. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #draw(): Fate {
    const { chance, mood } = { chance: this.#chance, mood: this.mood }
    const rare = chance.draw()
    const deeds = mood.failing.map((share): Deed => {
      if (rare < 0.03) return 'held'
      if (rare < 0.05) return 'streamed'
      if (chance.isSo(share)) return chance.pick('failed', 'failed', 'broken')
      return rare > 0.98 ? chance.pick('refused', 'unreadable') : 'ok'
    })
    const scores = mood.failing.map((_, i) => chance.draw() + (i === 1 && mood.isOdd ? 0.6 : 0))
    return { deeds, scores }
  }
}

function fieldsOf(
  headers: Readonly<Record<string, string>>,
  body: { readonly user: string | null; readonly tier: string | null; readonly n: number },
  user: string | null,
): RequestFields {
  const inBody: Readonly<Record<string, string | null>> = {
    '/user': user ?? 'null',
    '/tier': body.tier ?? 'null',
    '/n': String(body.n),
  }
  return {
    header: (name) => headers[name] ?? null,
    cookie: (name) => (name === 'u' ? user : null),
    query: (name) => (name === 'u' ? user : null),
    body: (pointer) => inBody[pointer] ?? null,
    ip: () => '127.0.0.1',
    secretMatches: () => false,
  }
}
