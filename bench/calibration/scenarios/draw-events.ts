import { binomial } from '../deviates.ts'
import type { RaceTick } from '../race.ts'
import type { Random } from '../random.ts'

/** What a tick is drawn with. */
export type TickSetting = {
  readonly pi: number
  readonly step?: number
  /** Of both sides. */
  readonly requests: number
  /** Probability of the event, [baseline, canary]. */
  readonly rates: readonly [baseline: number, canary: number]
}

/** A tick of requests that are dealt one by one, each with an event of its own chance: only counts are drawn. */
export function drawTick(random: Random, { pi, step, requests, rates }: TickSetting): RaceTick {
  const canary = binomial(random, requests, pi)
  const units: RaceTick['units'] = [requests - canary, canary]
  return {
    pi,
    ...(step === undefined ? {} : { step }),
    units,
    events: [binomial(random, units[0], rates[0]), binomial(random, units[1], rates[1])],
  }
}

/** Ticks of one setting each, drawn as they are asked for. */
export function* drawTicks(
  random: Random,
  count: number,
  settingOf: (tick: number) => TickSetting,
): Generator<RaceTick> {
  for (let tick = 0; tick < count; tick += 1) yield drawTick(random, settingOf(tick))
}
