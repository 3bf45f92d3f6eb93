import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { LabelCheck } from '../../src/metrics/label-check.ts'
import { LabelPulse } from '../../src/metrics/label-pulse.ts'
import { LATENCY, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WINDOW = 10 * MINUTE

/** A service that has a request each ten seconds, at the times of day that it is open. */
class World {
  readonly pulse = new LabelPulse()
  now = Date.parse('2027-05-01T00:00:00Z')

  /** `label`: what comes of labels at a time; `until`: looks once a minute how long they are missed. */
  run(
    ms: number,
    label: (now: number) => void = () => {},
    isOpen: (now: number) => boolean = () => true,
  ) {
    let missedMs = 0
    for (const end = this.now + ms; this.now < end; this.now += 10_000) {
      if (isOpen(this.now)) this.pulse.asked(this.now)
      label(this.now)
      if (this.silence() !== null) missedMs += 10_000
    }
    return missedMs
  }

  silence(elsewhereAt?: number) {
    return this.pulse.silence(this.now, WINDOW, elsewhereAt)
  }

  /** Each request has its label after a while, in posts at a distance of `everyMs`. */
  readonly labels =
    (delayMs: number, everyMs = 10_000) =>
    (now: number) => {
      if (now % everyMs !== 0) return
      for (let at = 0; at < everyMs; at += 10_000) {
        this.pulse.labelled(now - delayMs - at, false, now)
      }
    }
}

t.test('labels that stop are missed after 45 min and twice their delay, until one comes', (t) => {
  const world = new World()
  t.equal(world.run(6 * HOUR, world.labels(30_000)), 0)
  const since = world.now - 10_000
  t.equal(world.run(45 * MINUTE), 0)
  world.run(2 * MINUTE)
  t.same(world.silence(), { since, at: world.now, usualMs: 30_000, late: 0 })
  world.pulse.labelled(world.now - 3 * HOUR, true, world.now)
  t.match(world.silence(), { late: 1 }, 'one that is too late counts for nothing')
  world.pulse.labelled(world.now, false, world.now)
  t.equal(world.silence(), null)
  t.equal(world.pulse.joined, (6 * HOUR) / 10_000 + 1)
  t.end()
})

t.test('labels that have never come are missed once the window is over as well', (t) => {
  const world = new World()
  const since = world.now
  t.equal(world.run(54 * MINUTE), 0)
  world.run(2 * MINUTE)
  t.same(world.silence(), { since, at: world.now, usualMs: null, late: 0 })
  t.end()
})

t.test('labels that are slow, or come in batches, are not missed', (t) => {
  for (const [delayMs, everyMs] of [
    [30_000, 10_000],
    [3 * HOUR, 10_000],
    [0, HOUR],
    [5 * MINUTE, 2 * HOUR],
    [0, 6 * HOUR],
  ] as const) {
    const world = new World()
    const labels = world.labels(delayMs, everyMs)
    // What was before the process began is labelled, too.
    labels(world.now)
    t.equal(world.run(5 * 24 * HOUR, labels), 0, `${delayMs}, each ${everyMs}`)
    world.run(2 * delayMs + 3 * everyMs + HOUR)
    t.not(world.silence(), null, 'and are, once they stop')
  }
  t.end()
})

t.test('a night without requests is none without labels, nor is the morning after it', (t) => {
  const world = new World()
  const isOpen = (now: number) => new Date(now).getUTCHours() >= 8
  const slow = world.labels(2 * HOUR)
  const missed = world.run(
    4 * 24 * HOUR,
    (now) => (isOpen(now - 2 * HOUR) ? slow(now) : null),
    isOpen,
  )
  t.equal(missed, 0)
  t.end()
})

t.test('one outage makes no habit', (t) => {
  const world = new World()
  world.run(HOUR, world.labels(30_000))
  world.run(5 * HOUR)
  world.run(HOUR, world.labels(30_000))
  t.equal(world.run(45 * MINUTE), 0)
  world.run(2 * MINUTE)
  t.not(world.silence(), null)
  t.end()
})

t.test('nothing is missed where no requests come', (t) => {
  const world = new World()
  world.run(HOUR, world.labels(30_000))
  world.run(HOUR)
  t.not(world.silence(), null)
  world.now += 16 * MINUTE
  t.equal(world.silence(), null)
  t.equal(new LabelPulse().silence(world.now, WINDOW), null)
  t.end()
})

t.test('what has come to another process on the store is not missed', (t) => {
  const world = new World()
  world.run(HOUR, world.labels(30_000))
  world.run(2 * HOUR)
  t.equal(world.silence(world.now - 44 * MINUTE), null)
  const since = world.now - 47 * MINUTE
  t.match(world.silence(since), { since })
  t.end()
})

t.test('a reload forgets nothing, and where no metric asks for labels none are missed', (t) => {
  const of = (metrics: readonly MetricSpec[]) => service(rolloutSpec({ analysis: { metrics } }))
  const asking = new LabelCheck(of([RMSE, { ...RMSE, name: 'short', labelWindowMs: 1 }]), null)
  let now = 0
  const ask = (check: LabelCheck, ms: number) => {
    for (; now <= ms; now += 10_000) check.pulse!.asked(now)
    return check.silence(ms)
  }
  t.equal(ask(asking, RMSE.labelWindowMs + 45 * MINUTE - 10_000), null, 'the longest window counts')
  t.not(ask(asking, RMSE.labelWindowMs + 46 * MINUTE), null)
  const reloaded = new LabelCheck(of([RMSE]), asking)
  t.equal(reloaded.pulse, asking.pulse)
  const without = new LabelCheck(of([LATENCY]), reloaded)
  t.equal(without.pulse, null)
  t.equal(without.silence(0), null)
  without.check({ value: 1, at: 0, rollout: '1->2#1' }, 1, false, 5)
  t.equal(new LabelCheck(of([RMSE]), without).silence(46 * MINUTE), null, 'it begins anew')
  t.end()
})
