import t from 'tap'
import { leadLife, type Led } from './lives/lead-life.ts'

/** Seconds of each life, before everything is well again. */
const SECONDS = 10

/** Some in which a canary with requests is taken off. */
const LIVES = [
  { seed: 42, gateways: 1 },
  { seed: 49, gateways: 2 },
  { seed: 7, gateways: 3 },
] as const

t.test(
  'Whatever is sent, ordered, reloaded and broken, gateways on one store say and serve what was decided.',
  async (t) => {
    const folder = t.testdir()
    const lives: Led[] = []
    for (const life of LIVES) {
      lives.push(
        await leadLife(SECONDS, { ...life, folder: `${folder}/${life.seed}`, services: 3 }),
      )
    }
    t.same(
      lives.flatMap(({ faults }) => faults),
      [],
    )
    const sum = (of: (led: Led) => number) => lives.reduce((all, led) => all + of(led), 0)
    t.ok(sum((led) => led.requests) > 300, 'requests were served')
    t.ok(sum((led) => led.decisions) > 15, 'something was decided')
    t.ok(sum((led) => led.rolledBack) > 0, 'a canary was taken off')
    t.ok(sum((led) => led.feedback.joined) > 20, 'feedback was joined')
    t.ok(sum((led) => led.judgedAgain) > 2, 'attempts were judged again')
    t.ok(sum((led) => led.outcomes['client_closed'] ?? 0) > 3, 'clients left')
  },
)
