import t from 'tap'
import { harmLogEvidence } from '../../src/statistics/label-bet.ts'
import {
  MAX_STARTS,
  isNewStart,
  largestStake,
  mixStarts,
  planStarts,
} from '../../src/statistics/start-mixture.ts'
import { near } from './near.ts'

t.test(
  'Half of the stake is on the first start point, the rest in equal parts on 15 others.',
  async (t) => {
    near(t, mixStarts([0]), 0, 1e-12)
    near(t, mixStarts([Math.log(3)]), Math.log(0.5 * 3 + 0.5), 1e-12)
    near(t, mixStarts([0, Math.log(31)]), Math.log(0.5 + (31 + 14) / 30), 1e-12)
    near(t, mixStarts([Math.log(2), 0, Math.log(4)], 3), Math.log(1 + 0.25 + 1), 1e-12)
    near(t, mixStarts(Array.from({ length: MAX_STARTS }, () => 5)), 5, 1e-12)
    const impossible = Array.from({ length: MAX_STARTS }, () => -Infinity)
    t.equal(mixStarts(impossible), -Infinity, 'a stake that is lost is lost')
  },
)

t.test(
  'The stakes of processes that need not be fair together reach 1/α with chance α.',
  async (t) => {
    near(t, largestStake([Math.log(3)]), Math.log(1.5), 1e-12)
    near(t, largestStake([0, Math.log(31)]), Math.log(31 / 30), 1e-12)
    near(t, largestStake([Math.log(2), 0, Math.log(12)], 3), Math.log(3), 1e-12)
    // Each alone reaches its threshold with the chance α × its share, by Ville; and these add up to α.
    const alpha = 0.05
    const reached = Array.from({ length: MAX_STARTS }, (_, start) => {
      const others = Array.from({ length: start }, () => -Infinity)
      return Math.exp(largestStake([...others, Math.log(1 / alpha)])) * alpha
    })
    near(
      t,
      reached.reduce((sum, share) => sum + alpha * share, 0),
      alpha,
      1e-12,
    )
  },
)

t.test(
  'A canary that fails from the beginning is found after a known number of failures.',
  async (t) => {
    const found = (pi: number, alpha: number) => {
      let canary = 0
      const log = () =>
        mixStarts([harmLogEvidence([{ pi, canary, baseline: 0, trials: canary }], 1)])
      while (log() < Math.log(1 / alpha) && canary < 100) canary += 1
      return canary
    }
    t.same(
      [0.05, 0.2, 0.5].map((pi) => found(pi, 0.05)),
      [3, 4, 9],
    )
    t.same(
      [0.05, 0.2, 0.5].map((pi) => found(pi, 0.05 / 6)),
      [4, 6, 12],
      'with six metrics',
    )
  },
)

t.test('More start points than the shares were made for are refused.', async (t) => {
  t.throws(() => mixStarts(Array.from({ length: 17 }, () => 0)), {
    message: 'from 1 to 16 start points can be mixed, found 17',
  })
  t.throws(() => mixStarts([]), { message: 'from 1 to 16 start points can be mixed, found 0' })
})

const NONE = { blocks: 0, blockMs: Infinity }

t.test('Blocks share the whole duration, with places reserved for phase changes.', async (t) => {
  const hour = 3_600_000
  t.same(planStarts({ maxDurationMs: 24 * hour, cohortMs: 1000, phaseChanges: 4 }), {
    blocks: 11,
    blockMs: 2 * hour,
    watch: NONE,
  })
  t.same(planStarts({ maxDurationMs: 10_000, cohortMs: 1000, phaseChanges: 0 }), {
    blocks: 15,
    blockMs: 1000,
    watch: NONE,
  })
  t.same(planStarts({ maxDurationMs: hour, cohortMs: 2000, phaseChanges: 15 }), {
    ...NONE,
    watch: NONE,
  })
  t.same(planStarts({ maxDurationMs: hour, cohortMs: 2000, phaseChanges: 40 }).blocks, 0)
})

t.test('Half of the places are kept for a watch in which something is held back.', async (t) => {
  const hour = 3_600_000
  const shared = { maxDurationMs: 24 * hour, cohortMs: 1000, phaseChanges: 4 }
  const { watch, ...before } = planStarts({ ...shared, watchMs: 28 * 24 * hour })
  t.same(before, { blocks: 6, blockMs: Math.ceil((24 * 3600) / 7) * 1000 })
  t.same(watch, { blocks: 5, blockMs: 112 * hour })
  t.same(planStarts({ ...shared, phaseChanges: 14, watchMs: hour }).watch, NONE, 'one place')
})

t.test(
  'A start point begins when a block is over and a place is left beside the reserved ones.',
  async (t) => {
    const input = { starts: 3, phaseChanged: false, reserved: 2, blockMs: 60_000 }
    t.equal(isNewStart({ ...input, sinceLastStartMs: 60_000 }), true)
    t.equal(isNewStart({ ...input, sinceLastStartMs: 59_999 }), false)
    t.equal(isNewStart({ ...input, starts: 13, sinceLastStartMs: 60_000 }), true)
    t.equal(isNewStart({ ...input, starts: 14, sinceLastStartMs: 60_000 }), false)
  },
)

t.test('A phase change begins a start point at once, while there is a place.', async (t) => {
  const input = { phaseChanged: true, reserved: 2, blockMs: 60_000, sinceLastStartMs: 0 }
  t.equal(isNewStart({ ...input, starts: 15 }), true)
  t.equal(isNewStart({ ...input, starts: 16 }), false)
})

t.test(
  'However long a rollout lasts, its start points never exceed what can be mixed.',
  async (t) => {
    const { blockMs } = planStarts({ maxDurationMs: 100_000, cohortMs: 1000, phaseChanges: 5 })
    let starts = 1
    let since = 0
    // Ten times the planned duration, with three times the planned phase changes.
    for (let cohort = 1; cohort < 1000; cohort += 1) {
      since += 1000
      const phaseChanged = cohort % 60 === 0
      const reserved = Math.max(0, 5 - Math.floor(cohort / 60))
      if (!isNewStart({ starts, phaseChanged, reserved, sinceLastStartMs: since, blockMs }))
        continue
      starts += 1
      since = 0
    }
    t.equal(starts, MAX_STARTS)
  },
)
