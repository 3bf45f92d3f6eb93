import type { Decision, Phase } from '../../../src/domain/decision.ts'

/** One way from a phase to a phase: who may take it, and by which actions. */
type Way = { readonly actions: readonly Decision['action'][]; readonly by: readonly Actor[] }

type Actor = 'evaluator' | 'operator' | 'configuration'

const EVALUATOR: readonly Actor[] = ['evaluator']
const OPERATOR: readonly Actor[] = ['operator']
const CONFIGURATION: readonly Actor[] = ['configuration']
const ANYBODY: readonly Actor[] = ['evaluator', 'operator']

const way = (by: readonly Actor[], ...actions: readonly Decision['action'][]): Way => ({
  by,
  actions,
})

// A new version, changed steps (`hold`) or a changed analysis (`retry`) begin in `idle`.
const RECONFIGURED = way(CONFIGURATION, 'hold', 'retry')
// A version that was rolled back before, beside another baseline.
const KNOWN_AS_BAD = way(CONFIGURATION, 'hold')
// The file of the rollout before, whose canary is the baseline by now.
const IS_BASELINE = way(CONFIGURATION, 'promote')
const BROUGHT_BACK = way(ANYBODY, 'rollback')

/** Every way that a logged decision may take. What is not here must not happen. */
export const WAYS: Readonly<Record<Phase, Partial<Record<Phase, readonly Way[]>>>> = {
  idle: {
    idle: [RECONFIGURED],
    progressing: [way(ANYBODY, 'start')],
    // The first step is a pause.
    paused: [way(ANYBODY, 'start')],
    watching: [way(OPERATOR, 'promote')],
    promoted: [IS_BASELINE],
    'rolled-back': [way(OPERATOR, 'rollback'), KNOWN_AS_BAD],
  },
  progressing: {
    progressing: [way(ANYBODY, 'advance'), way(EVALUATOR, 'hold')],
    paused: [way(ANYBODY, 'pause'), way(OPERATOR, 'override', 'advance')],
    watching: [way(ANYBODY, 'promote')],
    promoted: [IS_BASELINE],
    'rolled-back': [BROUGHT_BACK, KNOWN_AS_BAD],
    idle: [RECONFIGURED],
  },
  paused: {
    progressing: [way(OPERATOR, 'resume', 'advance'), way(EVALUATOR, 'advance')],
    paused: [way(OPERATOR, 'pause', 'override', 'resume', 'advance'), way(EVALUATOR, 'hold')],
    watching: [way(ANYBODY, 'promote'), way(OPERATOR, 'resume')],
    promoted: [IS_BASELINE],
    'rolled-back': [BROUGHT_BACK, KNOWN_AS_BAD],
    idle: [RECONFIGURED],
  },
  watching: {
    // The baseline is sick as well, or a metric or the shares beside a holdback say so.
    paused: [way(EVALUATOR, 'pause')],
    promoted: [way(ANYBODY, 'promote')],
    'rolled-back': [way(ANYBODY, 'rollback', 'undo'), KNOWN_AS_BAD],
    idle: [way(CONFIGURATION, 'hold')],
  },
  promoted: {
    'rolled-back': [way(OPERATOR, 'rollback', 'undo'), KNOWN_AS_BAD],
    idle: [way(CONFIGURATION, 'hold')],
  },
  'rolled-back': {
    idle: [way(OPERATOR, 'retry'), way(CONFIGURATION, 'hold')],
    progressing: [way(OPERATOR, 'retry')],
    paused: [way(OPERATOR, 'retry')],
    promoted: [IS_BASELINE],
    'rolled-back': [KNOWN_AS_BAD],
  },
}

/** Whether the table has the way that a decision took. */
export function isAllowed({ from, to, action, actor }: Decision): boolean {
  const by = actor === 'evaluator' || actor === 'configuration' ? actor : 'operator'
  const ways = WAYS[from.phase][to.phase] ?? []
  return ways.some((each) => each.by.includes(by) && each.actions.includes(action))
}
