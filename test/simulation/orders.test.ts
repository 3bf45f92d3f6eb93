import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { RunnerResult } from '../../src/evaluator/runner-deps.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { ReplicaFleet } from '../fakes/replica-fleet.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'

/** Orders that were given in one run, by their note. */
type Given = Map<string, { result: RunnerResult | null; readonly decidedBy: number }>

t.test(
  'Through loss, delay and crashes a command is carried out as its answer says.',
  async (t) => {
    const found = { done: 0, refused: 0, unknown: 0, handedOn: 0 }
    for (const seed of [1, 2, 3, 4]) {
      const draw = createRandom(seed)
      const fleet = new ReplicaFleet({
        service: quickService({
          spec: { steps: weightSteps([50, 100], 1e6), maxDurationMs: 1e9 },
          analysis: { metrics: [ERRORS] },
        }),
        ...{ replicas: 4, draw, rps: 0, fails: () => false },
      })
      fleet.weather = { lost: 0, unanswered: 0, delayMs: 20 }
      await fleet.runUntil(() => fleet.leader?.evaluator.replicas?.others === 3, 20_000)
      fleet.weather = { lost: 0.03, unanswered: 0.03, delayMs: 150 }
      const given: Given = new Map()
      for (let n = 0; n < 60; n += 1) {
        await fleet.run(250 + draw() * 1500)
        const to = fleet.all[Math.floor(draw() * fleet.all.length)]!
        const note = `${seed}/${n}`
        const order = command('weights', { note, canaryBp: 100 * (1 + Math.floor(draw() * 90)) })
        if (to.evaluator.lead === 'elsewhere') found.handedOn += 1
        void to.evaluator.command('svc', order, null).then((result) => {
          const decidedBy = fleet.store.log.filter((each) => each.note === note).length
          given.set(note, { result, decidedBy })
        })
        if (draw() > 0.15) continue
        const victim = draw() < 0.7 ? fleet.leader : fleet.all[Math.floor(draw() * 4)]
        if (victim === undefined) continue
        fleet.crash(victim)
        fleet.start()
      }
      await fleet.run(40_000)
      for (const [note, { result, decidedBy }] of given) {
        const { length } = fleet.store.log.filter((each) => each.note === note)
        t.ok(length <= 1, `${note} is decided ${length} times`)
        if (result?.ok === true) {
          found.done += 1
          const isDecided = result.decision !== null
          t.same([decidedBy, length], isDecided ? [1, 1] : [0, 0], `${note} is done`)
        } else if (result?.code === 'SERIN_REFUSED') {
          found.refused += 1
          t.equal(length, 0, `${note} is refused`)
        } else found.unknown += 1
      }
    }
    t.comment(JSON.stringify(found))
    t.ok(found.done > 100 && found.handedOn > 100, 'most are carried out')
    t.ok(found.unknown < found.done / 2, 'of some nobody knows')
  },
)
