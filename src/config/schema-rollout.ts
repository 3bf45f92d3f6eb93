import type { Static } from 'typebox'
import { DEFAULTS } from './defaults.ts'
import { MetricsSchema } from './schema-metric.ts'
import {
  amount,
  count,
  duration,
  map,
  note,
  oneOf,
  positiveDuration,
  positiveShare,
  probability,
  share,
  size,
  weight,
} from './schema-value.ts'
import { Type } from './type.ts'

const STEPS = 'live (back to the first step, evidence kept)'
const IN_PLACE = 'live (in place, the step goes on)'
const ATTEMPT = 'live (starts a new attempt of the rollout)'

const PauseSchema = Type.Unsafe<string | Record<string, never>>({
  title: '{} (waits for `serin promote`) or a duration above 0 such as 10m',
  anyOf: [map({}), positiveDuration(note('How long the pause is.', STEPS))],
  ...note('Holds the weight: {} waits for approval, a duration for itself.', STEPS),
})

const StepSchema = map(
  {
    mirror: Type.Optional(
      positiveShare(
        note(
          'Share of the requests that the canary gets copies of; nobody sees its answers.',
          STEPS,
        ),
      ),
    ),
    maxBody: Type.Optional(
      size(
        note(
          'mirror: requests with a larger body are not copied.',
          IN_PLACE,
          DEFAULTS.mirror.maxBody,
        ),
      ),
    ),
    tolerance: Type.Optional(
      amount(
        note(
          'mirror: predictions agree when they differ by at most this fraction of the larger one; 0 = they are equal.',
          IN_PLACE,
          DEFAULTS.mirror.tolerance,
        ),
      ),
    ),
    weight: Type.Optional(weight(note("The canary's share of the randomised requests.", STEPS))),
    pause: Type.Optional(PauseSchema),
    minDuration: Type.Optional(
      duration(note('Time in this step before it is left.', IN_PLACE, DEFAULTS.minDuration)),
    ),
    minRequests: Type.Optional(
      count(
        note(
          'Canary units (mirror: pairs of answers) judged in this step before it is left. Without it: as in analysis.',
          IN_PLACE,
        ),
        0,
      ),
    ),
  },
  {
    title: 'a step with exactly one of `weight`, `pause` and `mirror`, such as { weight: 5% }',
    oneOf: [{ required: ['weight'] }, { required: ['pause'] }, { required: ['mirror'] }],
  },
)

/** `services.*.rollout`: how the canary comes to 100 %. */
export const RolloutSchema = map(
  {
    strategy: Type.Optional(
      oneOf(
        note(
          'How traffic moves: in steps that are proved, or all at once after a preview.',
          'live',
          DEFAULTS.strategy,
        ),
        ['canary', 'blue-green'],
      ),
    ),
    start: Type.Optional(
      oneOf(note('Whether a new canary version starts by itself.', 'live', DEFAULTS.start), [
        'auto',
        'manual',
      ]),
    ),
    steps: Type.Array(StepSchema, {
      minItems: 1,
      ...note(
        'Mirrors first, if any; weights rise and end at 100 %, at least one of them between. Of blue-green: pauses (preview by override), then 100 %.',
        STEPS,
      ),
    }),
    maxDuration: Type.Optional(
      positiveDuration(
        note('How long the steps may take; does not run in pauses.', 'live', DEFAULTS.maxDuration),
      ),
    ),
    onInconclusive: Type.Optional(
      oneOf(note('What happens when maxDuration is over.', 'live', DEFAULTS.onInconclusive), [
        'hold',
        'rollback',
        'promote',
      ]),
    ),
    watch: Type.Optional(
      duration(
        note(
          'After 100 %: how long absolute limits and breaker stay armed.',
          'live',
          DEFAULTS.watch,
        ),
      ),
    ),
    holdback: Type.Optional(
      share(
        note(
          'Share that stays on the baseline during watch, so that the comparison goes on.',
          'live (from the next watch on)',
          DEFAULTS.holdback,
        ),
      ),
    ),
    cooldown: Type.Optional(
      duration(
        note(
          'Before a rolled-back version may be retried without force.',
          'live',
          DEFAULTS.cooldown,
        ),
      ),
    ),
    fallback: Type.Optional(
      oneOf(note('Who answers where an attempt of the canary failed.', 'live'), ['baseline']),
    ),
  },
  note('How the canary comes to 100 %.', 'live'),
)

/** `services.*.analysis`: what decides a rollout. */
export const AnalysisSchema = map(
  {
    interval: Type.Optional(
      positiveDuration(
        note(
          'Between two looks at the evidence. Where more than 200 services are judged at once, those with few requests wait longer: at most 10 s, or this where it is more.',
          'live',
          DEFAULTS.interval,
        ),
      ),
    ),
    warmUp: Type.Optional(
      duration(
        note(
          'Requests of the first time after a start or a step from 0 are not judged.',
          'live',
          DEFAULTS.warmUp,
        ),
      ),
    ),
    minRequests: Type.Optional(
      count(
        note('Canary units judged in a step before it is left.', IN_PLACE, DEFAULTS.minRequests),
        0,
      ),
    ),
    alpha: Type.Optional(
      map(
        {
          rollback: Type.Optional(
            probability(
              note(
                'Risk of rolling back a canary that is no worse.',
                ATTEMPT,
                DEFAULTS.alpha.rollback,
              ),
            ),
          ),
          promote: Type.Optional(
            probability(
              note('Risk of promoting a canary that is worse.', ATTEMPT, DEFAULTS.alpha.promote),
            ),
          ),
        },
        note('Error probabilities of a whole rollout.', ATTEMPT),
      ),
    ),
    breaker: Type.Optional(
      map(
        {
          failures: Type.Optional(
            positiveShare(
              note(
                "Share of the canary's last attempts, and of their keys, that must fail, against the baseline's. A 4xx counts too where the baseline gives few, and a client that leaves before an answer where few leave the baseline.",
                'live',
                DEFAULTS.breakerFailures,
              ),
            ),
          ),
        },
        note('Crude and fast: rolls back outside of alpha.', 'live'),
      ),
    ),
    metrics: Type.Optional(MetricsSchema),
  },
  note('What decides a rollout.', 'live'),
)

/** A step as the file writes it. */
export type RawStep = Static<typeof StepSchema>
/** A rollout as the file writes it. */
export type RawRollout = Static<typeof RolloutSchema>
/** An analysis as the file writes it. */
export type RawAnalysis = Static<typeof AnalysisSchema>
