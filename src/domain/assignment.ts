/** Why a request went to its variant. Only `key` and `random` are draws, and only draws are evidence. */
export type AssignmentReason = 'override' | 'rule' | 'key' | 'random'

/** The variant that a request was given, and why. */
export type Assignment = {
  readonly variant: string
  readonly reason: AssignmentReason
  /**
   * The randomisation unit: a 53-bit hash of the key (rollout-independent), or null when the request
   * was drawn by itself (no key), overridden or routed by a rule.
   */
  readonly unit: number | null
  /** A rule named the canary while its weight was 0, so the baseline answers. */
  readonly suppressed: boolean
  /** The split reads a key that this request does not have or that could not be read. */
  readonly keyMissing: boolean
  /** The key's own value was to decide, but it is no number from 0 to 1: its hash decided. */
  readonly coinUnreadable?: boolean
  /** An override was asked for, but its secret was wrong or it named no variant: it was ignored. */
  readonly overrideRefused: boolean
  /** The index of the rule that decided; null or absent where none did. */
  readonly rule?: number | null
  /** The segment of a drawn request; null or absent where the service has none. */
  readonly segment?: string | null
  /** Numbers of a drawn request by pointer into its body; null or absent where none is watched for drift. */
  readonly numbers?: ReadonlyMap<string, number> | null
}
