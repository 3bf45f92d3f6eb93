import type { Hypothesis } from '../domain/hypothesis.ts'
import type { PairTest } from '../domain/pairs.ts'
import type { OnFailure, StepSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { toByteString } from '../routing/byte-string.ts'
import { xxh32 } from '../routing/xxh32.ts'
import { hideSecrets } from './hide-secrets.ts'

/**
 * What two replicas must agree on so that their shares of a cohort add up: which requests are drawn, what is
 * read from them, and what is asked, but not whether harm pauses or rolls back: that is for who decides. 16 hex digits; equal
 * for equal configurations of the service.
 */
export function sharingKeyOf(
  { match, split, observe, failureStatuses, streamError, variants, rollout }: Service,
  hypotheses: readonly Hypothesis[],
  pairTests: readonly PairTest[] = [],
): string {
  const { key, rules } = split
  const versions = variants.map(({ name, version }) => [name, version])
  const asked = hypotheses.map((each) => toAsked(each, each.source.of))
  const drawn = [match, key, rules, observe, failureStatuses, versions, asked]
  // Absent without a mirror step, so that replicas of other versions agree.
  const copied =
    pairTests.length === 0
      ? []
      : [pairTests.map((each) => toAsked(each, each.asks.of)), rollout!.steps.flatMap(copiedBy)]
  // An earlier version bets without `lift` on what bets of this one are sized for, and more than all may be lost there.
  const isLifted = hypotheses.some(({ source }) => source.of === 'ratio')
  return digest([...drawn, ...copied, ...(isLifted ? ['lift'] : []), ...saidOf(streamError)])
}

/**
 * What of a configuration concerns the rollout of a service: two that differ in ports, other services or secrets alone
 * have the same one. 16 hex digits.
 */
export function concernKeyOf({
  match,
  split,
  observe,
  failureStatuses,
  streamError,
  variants,
  rollout,
  notify,
}: Service): string {
  const versions = variants.map(({ name, version }) => [name, version])
  const asked = notify.filter(({ confirmsPromotion }) => confirmsPromotion).length
  const spec = rollout === null ? null : hideSecrets(rollout)
  const drawn = [match, split, observe, failureStatuses, versions]
  return digest([...drawn, asked, spec, ...saidOf(streamError)])
}

// Of metrics: guards that nobody configures pause, whatever the file says.
function toAsked<T extends { readonly onFailure: OnFailure }>(test: T, of: string): T {
  if (test.onFailure !== 'pause' || UNCONFIGURED.has(of)) return test
  return { ...test, onFailure: 'rollback' }
}

const UNCONFIGURED: ReadonlySet<string> = new Set(['label-missing', 'no-answer', 'client-error'])

// Nothing where it is not looked for, so that replicas of other versions agree.
function saidOf(streamError: string | undefined): readonly unknown[] {
  return streamError === undefined ? [] : [{ streamError }]
}

function digest(said: readonly unknown[]): string {
  const bytes = toByteString(JSON.stringify(said))
  const digits = (seed: number) => xxh32(bytes, seed).toString(16).padStart(8, '0')
  return digits(0) + digits(1)
}

// Which requests are copied, and when two answers are the same.
function copiedBy(step: StepSpec): readonly unknown[] {
  return step.kind === 'mirror' ? [[step.share, step.maxBytes, step.tolerance]] : []
}
