import { gamma, normal } from '../../../bench/calibration/deviates.ts'
import type { Random } from '../../../bench/calibration/random.ts'
import type { Outcome } from '../../../src/domain/outcome.ts'
import type { Difference } from './difference.ts'
import type { Traffic } from './draw-traffic.ts'
import type { Scale } from './scale.ts'
import { waveAt } from './sizes.ts'

/** What becomes of a request. */
export type Fate = {
  readonly outcome: Outcome
  readonly status: number
  readonly latencyMs: number
  readonly prediction: number
  readonly truth: number
  /** Null = none comes. */
  readonly label: number | null
  readonly labelAfterMs: number
  readonly tokens: number
  readonly events: readonly {
    readonly name: string
    readonly amount: number
    readonly afterMs: number
  }[]
}

/** What a key is like, on whichever variant. */
export type Nature = { readonly failing: number; readonly slower: number; readonly buys: number }

/** Of a request without a key, and where keys are alike. */
export const PLAIN: Nature = { failing: 1, slower: 1, buys: 1 }

/** `differ`: see Keys. */
export function drawNature(random: Random, differ: number): Nature {
  if (differ === 0) return PLAIN
  const shape = 1 / differ
  const size = () => gamma(random, shape) / shape
  return { failing: size(), slower: Math.exp(0.5 * normal(random)), buys: size() }
}

/** `at`: seconds since the beginning; `by`: how who answers differs from the baseline. */
export function drawFate(
  random: Random,
  traffic: Traffic,
  scale: Scale,
  at: number,
  nature: Nature,
  by: Difference,
): Fate {
  const outage = traffic.outages.find(({ from, until }) => from <= at && at < until)
  const usual = traffic.failing * waveAt(traffic.failures, at) * nature.failing
  const own = Math.min(1, usual) * by.failing[0] + by.failing[1]
  const failing = Math.max(own, outage?.failing ?? 0)
  const slower = waveAt(traffic.slowness, at) * nature.slower * (outage?.slower ?? 1)
  const latencyMs = 1 + traffic.latencyMs * traffic.latency.draw(random) * slower
  const [failed, left, refused] = [random() < failing, random() < traffic.leaving, random()]
  const outcome = failed
    ? random() < traffic.deadlines
      ? 'no_answer'
      : 'failed'
    : left
      ? 'client_closed'
      : 'ok'
  const error =
    scale.error * traffic.errors.draw(random) * waveAt(traffic.errorWave, at) * by.errors
  const isRight = random() < traffic.right * by.right
  const told = scale.family(random, error, isRight)
  const isLabelled =
    random() >= traffic.unlabelled &&
    !(traffic.shyErrors && random() < error / (error + 3 * scale.error))
  const demand = waveAt(traffic.demand, at)
  const buying = Math.min(1, traffic.buying * demand * nature.buys) * by.buying[0] + by.buying[1]
  const events: Fate['events'][number][] = []
  if (scale.hasEvents) {
    const afterMs = () => scale.windowMs * random() * 0.5
    if (random() < buying) {
      const amount = scale.amount * traffic.amounts.draw(random) * by.amounts
      events.push({ name: 'buy', amount, afterMs: afterMs() })
    }
    const views = Math.floor(-Math.log(random()) * traffic.viewing + random())
    for (let n = 0; n < views; n++) {
      events.push({ name: 'view', amount: 1, afterMs: afterMs() })
      if (random() < traffic.clicking * by.clicking)
        events.push({ name: 'click', amount: 1, afterMs: afterMs() })
    }
  }
  return {
    outcome,
    status: failed ? 503 : refused < traffic.refused ? 422 : 200,
    latencyMs: Math.min(120_000, latencyMs * by.latency),
    prediction: told.prediction,
    truth: told.label,
    label: isLabelled ? told.label : null,
    labelAfterMs: -Math.log(random()) * traffic.labelSeconds * 1000,
    tokens: scale.amount * traffic.amounts.draw(random) * by.amounts,
    events,
  }
}
