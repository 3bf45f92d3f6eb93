import type { TProperties } from 'typebox'
import { DEFAULTS } from './defaults.ts'
import { count, map, note, oneOf, positiveDuration } from './schema-value.ts'
import { Type } from './type.ts'

/** What a change of a metric's terms leads to. */
export const ATTEMPT = 'live (starts a new attempt of the rollout)'
const { threshold } = DEFAULTS
/** What harm may lead to. */
export const ON_FAILURE = ['rollback', 'pause', 'warn'] as const

/** The schema of one kind: the keys that all kinds have, and its own; `about` = what of it no key says. */
export function metric<K extends string, P extends TProperties>(
  kind: K,
  properties: P,
  about?: string,
) {
  return map(
    {
      kind: Type.Literal(kind, note('What is measured.', ATTEMPT)),
      onFailure: Type.Optional(
        oneOf(note('What harm leads to.', 'live', DEFAULTS.onFailure), ON_FAILURE),
      ),
      mode: Type.Optional(
        oneOf(note('report = shown, never deciding.', ATTEMPT, DEFAULTS.mode), [
          'decide',
          'report',
        ]),
      ),
      segments: Type.Optional(
        Type.Boolean({ title: 'true or false', ...note('Also for each segment.', ATTEMPT, false) }),
      ),
      method: Type.Optional(
        oneOf(note('How it is judged.', ATTEMPT, DEFAULTS.method), ['sequential', 'threshold']),
      ),
      interval: Type.Optional(
        positiveDuration(
          note(
            'Between two measurements (method: threshold), or two questions to a provider.',
            'live',
            DEFAULTS.measureInterval,
          ),
        ),
      ),
      count: Type.Optional(
        count(
          note(
            'threshold: measurements that end it in a step. Without it: as long as the step lasts.',
            'live',
          ),
        ),
      ),
      failureLimit: Type.Optional(
        count(
          note(
            'threshold: failed measurements of a step that are allowed; -1 = any number.',
            'live',
            threshold.failureLimit,
          ),
          -1,
        ),
      ),
      consecutiveErrorLimit: Type.Optional(
        count(
          note(
            'threshold: measurements in a row that may be impossible.',
            'live',
            threshold.consecutiveErrorLimit,
          ),
          0,
        ),
      ),
      inconclusiveLimit: Type.Optional(
        count(
          note(
            'threshold: inconclusive measurements of a step that are allowed.',
            'live',
            threshold.inconclusiveLimit,
          ),
          0,
        ),
      ),
      consecutiveSuccessLimit: Type.Optional(
        count(note('threshold: successful measurements in a row that end it in a step.', 'live')),
      ),
      ...properties,
    },
    about === undefined ? {} : { description: about },
  )
}
