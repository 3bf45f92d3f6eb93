import { binomial } from '../deviates.ts'
import { planFor } from '../plan.ts'
import { race, serinHarm } from '../race.ts'
import type { Random } from '../random.ts'
import { kayenta } from '../rivals.ts'
import type { Finding, Scenario } from '../scenario.ts'
import { drawTick } from './draw-events.ts'

const MINUTES = 120
const REQUESTS = 1000
const PI = 0.05
const RATE = 0.01

/** Kayenta's judge on error rates per minute, asked every five minutes for two hours. */
export function kayentaJudged(): Scenario[] {
  const plan = planFor({ errors: { kind: 'error-rate', maxIncrease: '0%' } }, { maxTicks: MINUTES })
  return [
    {
      name: 'kayenta-alike',
      title: 'errors 1 % on both sides, 50 canary requests a minute of 1,000, two hours',
      question: 'false-rollback',
      rollouts: [300, 30],
      promises: { serin: 0.05 },
      run: (random) => raceMinutes(random, RATE, serinHarm(plan)),
    },
    {
      name: 'kayenta-worse',
      title: 'errors 1 → 2 %, 50 canary requests a minute of 1,000, two hours',
      question: 'detection',
      rollouts: [300, 30],
      run: (random) => raceMinutes(random, 2 * RATE, serinHarm(plan)),
    },
  ]
}

function raceMinutes(
  random: Random,
  canaryRate: number,
  serin: ReturnType<typeof serinHarm>,
): Finding {
  const equal = kayenta('high')
  const skewed = kayenta('high')
  const either = kayenta('either')
  function* minutes() {
    for (let minute = 0; minute < MINUTES; minute += 1) {
      yield drawTick(random, { pi: PI, requests: REQUESTS, rates: [RATE, canaryRate] })
    }
  }
  return race(minutes(), {
    serin,
    'Kayenta, baseline as small': ({ units, events }) => {
      // As many requests as the canary had, which Kayenta's own baseline would have had.
      const baseline = units[1] === 0 ? 0 : binomial(random, units[1], RATE) / units[1]
      return equal(rate(events[1], units[1]), baseline)
    },
    'Kayenta, whole baseline': ({ units, events }) =>
      skewed(rate(events[1], units[1]), rate(events[0], units[0])),
    'Kayenta, whole baseline, low counts too': ({ units, events }) =>
      either(rate(events[1], units[1]), rate(events[0], units[0])),
  })
}

function rate(events: number, units: number): number {
  return units === 0 ? 0 : events / units
}
