import { RECOVERY_MS } from './life-gateway.ts'
import type { LifeTime } from './life-time.ts'

/** What befell gateways (`service: null`) or the rules of one service, in milliseconds since the life began. */
type Disturbance = { readonly service: string | null; readonly from: number; to: number }

/** When something befell a life that no record of cohorts has. */
export class LifeDisturbances {
  readonly #time: LifeTime
  readonly #all: Disturbance[] = []

  constructor(time: LifeTime) {
    this.#time = time
  }

  /** Something begins to befall gateways; `end` tells when it is over. */
  begin(): { readonly end: () => void } {
    const disturbance: Disturbance = { service: null, from: this.#time.ms, to: Infinity }
    this.#all.push(disturbance)
    return { end: () => void (disturbance.to = this.#time.ms) }
  }

  /** A service has other rules from now on. */
  change(service: string): void {
    this.#all.push({ service, from: this.#time.ms, to: this.#time.ms })
  }

  /** Whether something befell a service, or those that serve it, between these moments. */
  hadOne(name: string, from: number, to: number): boolean {
    return this.#all.some((each) => {
      const concerns = each.service === null || each.service === name
      return concerns && each.from <= to && each.to + RECOVERY_MS >= from
    })
  }
}
