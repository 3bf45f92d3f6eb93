import { formatWeight } from '../../../rollout/format.ts'
import type { ServiceJson } from '../../present.ts'
import { evidenceOfCanary, evidenceOfVariant, type EvidenceOfVerb } from './evidence-of-verb.ts'

/** What an operator can ask for, as a dialog offers it. */
export type Verb = {
  readonly name: 'promote' | 'abort' | 'pause' | 'resume' | 'retry' | 'undo' | 'weights'
  /** The variant that a fixed split is promoted to. */
  readonly variant?: string
  readonly label: string
  /** What it does, in one sentence. */
  readonly effect: string
  /** `urgent`: what is advised now, and takes the canary off. */
  readonly tone: 'good' | 'bad' | 'plain' | 'urgent'
  /** What the evidence says of a promotion, where it says anything. */
  readonly evidence?: EvidenceOfVerb
  /** A choice that goes with it. */
  readonly option?: { readonly name: 'full' | 'force'; readonly label: string }
}

/** The verbs that a service can be given now; the gateway has the last word. */
export function verbsOf(service: ServiceJson): readonly Verb[] {
  if (service.strategy === 'fixed') return verbsOfSplit(service)
  switch (service.phase) {
    case 'idle':
      return [START, ABORT]
    case 'progressing':
      return [advance(service), PAUSE, WEIGHTS, ABORT]
    case 'paused': {
      const isPlanned = service.pause?.by === 'approval' || service.pause?.by === 'timer'
      if (service.pause?.by === 'metric') return verbsAfterAlarm(service)
      if (!isPlanned) return [RESUME, advance(service), WEIGHTS, ABORT]
      const isTimed = service.pause?.by === 'timer'
      return [advance(service), ...(isTimed ? [PAUSE] : []), WEIGHTS, ABORT]
    }
    case 'watching':
      return [END_WATCH, UNDO]
    case 'promoted':
      return [UNDO]
    case 'rolled-back':
      return [RETRY]
    case null:
      return []
  }
}

// A metric has shown that the canary is worse in something, and it still has its share: nothing that gives it more stands out.
function verbsAfterAlarm(service: ServiceJson): readonly Verb[] {
  const promote = advance(service)
  return [
    { ...ABORT, tone: 'urgent' },
    { ...RESUME, tone: 'plain' },
    { ...promote, tone: promote.tone === 'bad' ? 'bad' : 'plain' },
    WEIGHTS,
  ]
}

function verbsOfSplit({
  weights,
  winner,
  variants,
  revision,
  comparisons,
}: ServiceJson): readonly Verb[] {
  if (revision === null) return []
  if (winner !== null) {
    const effect = 'The weights of the configuration hold again.'
    return [{ name: 'undo', label: 'Undo', effect, tone: 'bad' }]
  }
  return Object.keys(weights).map((variant) => {
    const evidence = evidenceOfVariant({ comparisons }, variant)
    return {
      name: 'promote',
      variant,
      label: `Promote ${variant}`,
      effect: `All randomised requests go to ${variant} (${variants[variant]!.version}) from now on.`,
      tone: toneOf(evidence),
      ...(evidence === null ? {} : { evidence }),
    }
  })
}

// What the evidence advises stands out, and what it warns of.
function toneOf(evidence: EvidenceOfVerb | null): Verb['tone'] {
  return evidence?.tone === 'good' || evidence?.tone === 'bad' ? evidence.tone : 'plain'
}

const FULL = { name: 'full', label: 'all the way to 100 %, also when the canary is down' } as const

const START: Verb = {
  name: 'promote',
  label: 'Start',
  effect: 'The rollout begins at its first step.',
  tone: 'good',
  option: FULL,
}

const END_WATCH: Verb = {
  name: 'promote',
  label: 'End the watch',
  effect: 'The canary is promoted: no rollback comes by itself any more.',
  tone: 'good',
}

const ABORT: Verb = {
  name: 'abort',
  label: 'Abort',
  effect: 'Everything goes back to the baseline now; the canary is rolled back.',
  tone: 'bad',
}

const PAUSE: Verb = {
  name: 'pause',
  label: 'Pause',
  effect: 'The weights stay as they are until somebody resumes; rollback stays armed.',
  tone: 'plain',
}

const RESUME: Verb = {
  name: 'resume',
  label: 'Resume',
  effect:
    "The rollout goes on with its step's weights; the metric that paused it only reports from then on.",
  tone: 'good',
}

const WEIGHTS: Verb = {
  name: 'weights',
  label: 'Set weight',
  effect: 'The canary gets this weight, and the rollout is paused.',
  tone: 'plain',
}

const RETRY: Verb = {
  name: 'retry',
  label: 'Retry',
  effect: 'A new attempt begins at the first step, with fresh evidence.',
  tone: 'good',
  option: { name: 'force', label: 'do not wait for the cooldown' },
}

const UNDO: Verb = {
  name: 'undo',
  label: 'Undo',
  effect: 'The promotion is taken back: everything goes to the baseline now.',
  tone: 'bad',
}

function advance(service: ServiceJson): Verb {
  const { step, weights, pause } = service
  const evidence = evidenceOfCanary(service)
  const isApproval = pause?.by === 'approval'
  const at = formatWeight(weights['canary'] ?? 0)
  const isLast = step !== null && step.index + 2 >= step.of
  return {
    name: 'promote',
    label: isApproval ? 'Approve' : 'Promote',
    effect: `The canary leaves ${at} for the ${isLast ? 'last' : 'next'} step now, past the evidence.`,
    tone: evidence?.tone === 'bad' ? 'bad' : 'good',
    ...(evidence === null ? {} : { evidence }),
    option: FULL,
  }
}
