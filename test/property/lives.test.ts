import t from 'tap'
import { leadLife, type Led } from './lives/lead-life.ts'

const LIVES = [
  { seed: 1, gateways: 1, seconds: 10 },
  { seed: 2, gateways: 2, seconds: 8 },
  { seed: 3, gateways: 3, seconds: 8 },
] as const

t.test(
  'Whatever is sent, ordered, reloaded and broken, gateways on one store say and serve what was decided.',
  async (t) => {
    const folder = t.testdir()
    const lives: Led[] = []
    for (const { seconds, ...life } of LIVES) {
      const options = { ...life, folder: `${folder}/${life.seed}`, services: 3 }
      lives.push(await leadLife(seconds, options))
    }
    t.same(
      lives.flatMap(({ faults }) => faults),
      [],
    )
    const sum = (of: (led: Led) => number) => lives.reduce((all, led) => all + of(led), 0)
    const [decisions, requests] = [sum((led) => led.decisions), sum((led) => led.requests)]
    t.ok(decisions > 15 && requests > 300, `${decisions} decisions, ${requests} requests`)
    const { joined } = { joined: sum((led) => led.feedback.joined) }
    t.ok(joined > 20, `${joined} lines of feedback were joined`)
  },
)
