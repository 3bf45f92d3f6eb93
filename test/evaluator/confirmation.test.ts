import t from 'tap'
import { PromotionConfirmer } from '../../src/notify/promotion-confirmer.ts'
import type { WebhookAnswer } from '../../src/notify/webhook-sender.ts'
import { errorOf, quickService, simulate } from '../fakes/quick-rollout.ts'
import { hook } from '../fakes/rollout.ts'
import type { Fate, Simulation } from '../fakes/simulation.ts'

const HOOK = hook({ confirmsPromotion: true })

/** A rollout of a better model whose promotion somebody has to confirm, over a web of one receiver. */
async function confirmedRollout(
  seed: number,
  fate: (variant: string) => Partial<Fate> = () => ({}),
) {
  const asked: number[] = []
  let confirmer: PromotionConfirmer | null = null
  const self = {
    asked,
    answer: { status: 403 } as WebhookAnswer,
    simulation: null! as Simulation,
    restart: () => {
      confirmer = null
      return self.simulation.restart()
    },
  }
  self.simulation = await simulate(
    seed,
    0,
    (random, variant) => ({
      error: errorOf(random, variant === 'canary' ? 2 : 3),
      ...fate(variant),
    }),
    undefined,
    {
      service: { ...quickService(), notify: [HOOK] },
      confirm: (plan, state, seen) => {
        confirmer ??= new PromotionConfirmer({
          clock: self.simulation.clock,
          leads: () => self.simulation.evaluator.leads,
          hooks: () => [HOOK],
          send: async () => {
            asked.push(self.simulation.clock.ms)
            return self.answer
          },
          render: () => '',
          report: () => {},
        })
        return confirmer.confirm(plan, state, seen)
      },
    },
  )
  return self
}

t.test(
  'a promotion waits for its yes, however long that takes, and then goes on at once',
  async (t) => {
    const self = await confirmedRollout(1)
    const { asked, simulation } = self
    t.ok(await simulation.run(60_000, (s) => s.holdReason === 'confirmation'))
    t.equal(asked.length, 1, 'nobody was asked before everything else was there')
    t.notOk(await simulation.run(35_000, (s) => s.phase !== 'progressing'))
    t.match(simulation.evaluator.view('svc')!.missing, [/^a confirmation: .* has not said yes/])
    t.equal(asked.length, 4)
    for (const [i, ms] of asked.slice(1).entries()) {
      const gap = ms - asked[i]!
      t.ok(gap >= 10_000 && gap <= 10_500, `asked again after ${gap} ms`)
    }
    self.answer = { status: 200 }
    t.ok(await simulation.run(10_500, (s) => s.phase === 'watching'))
    const log = simulation.store.log.map((d) => [d.action, d.reason])
    t.same(
      log.filter(([, reason]) => reason === 'confirmation').length,
      1,
      'the wait is logged once',
    )
    t.same(log.at(-1), ['promote', 'evidence'])
    t.same(simulation.errors, [])
  },
)

t.test('a canary that turns bad while its promotion waits is rolled back', async (t) => {
  let isBad = false
  const self = await confirmedRollout(2, (variant) => ({
    outcome: variant === 'canary' && isBad ? 'failed' : 'ok',
  }))
  const { simulation } = self
  t.ok(await simulation.run(60_000, (s) => s.holdReason === 'confirmation'))
  const waitsSince = simulation.clock.ms
  isBad = true
  t.ok(await simulation.run(10_000, (s) => s.phase === 'rolled-back'))
  t.ok(simulation.clock.ms - waitsSince < 5000, `after ${simulation.clock.ms - waitsSince} ms`)
  t.equal(simulation.weightBp, 0)
  const { length } = self.asked
  await simulation.run(30_000, () => false)
  t.equal(self.asked.length, length, 'nobody is asked any more')
})

t.test('a process that takes over asks for itself', async (t) => {
  const self = await confirmedRollout(3)
  const { asked, simulation } = self
  t.ok(await simulation.run(60_000, (s) => s.holdReason === 'confirmation'))
  await self.restart()
  const before = asked.length
  self.answer = { status: 200 }
  t.ok(await simulation.run(60_000, (s) => s.phase === 'watching'))
  t.ok(asked.length > before)
})
