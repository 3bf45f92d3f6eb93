import type { PausedBy } from './decision.ts'

/** What a pause is known by: its cause, and the metric that paused it, where one did. */
export type KnownPause = { readonly by: string; readonly metric: string | null }

/**
 * Why a rollout is paused, to be read after "paused": `by an operator`, `because of rmse`. `metric`: the one that
 * paused it, where one did. A cause of a newer gateway is given by its name.
 */
export function describePause(by: string, metric: string | null): string {
  if (metric !== null) return `because of ${metric}`
  const cause = CAUSES[by as PausedBy]
  return cause?.why ?? `because ${cause?.clause ?? `of ${by}`}`
}

/**
 * The same to be read after "because": `the metric rmse failed`, `an operator paused it`. A cause of a newer gateway is
 * given by its name.
 */
export function describePauseCause({ by, metric }: KnownPause): string {
  if (metric !== null) return `the metric ${metric} failed`
  return CAUSES[by as PausedBy]?.clause ?? `of ${by}`
}

/**
 * What ends a pause of a service's rollout, as part of a sentence, with the command to give. Where a metric paused it the
 * canary goes on answering its share of the users, and has been shown to be worse in something: taking it off comes first.
 */
export function describePauseEnd({ by, metric }: KnownPause, service: string): string {
  const resume = `\`serin resume ${service}\``
  if (metric !== null) {
    return `\`serin abort ${service}\` gives everybody the baseline; ${resume} goes on with the canary, and ${metric} only reports for the rest of the attempt`
  }
  return CAUSES[by as PausedBy]?.end(service) ?? `${resume} goes on`
}

type Cause = {
  /** To be read after "paused"; absent = "because" and the clause. */
  readonly why?: string
  readonly clause: string
  readonly end: (service: string) => string
}

const CAUSES: Readonly<Partial<Record<PausedBy, Cause>>> = {
  approval: {
    why: 'until somebody approves',
    clause: 'a step waits for an approval',
    end: (service) => `\`serin promote ${service}\` approves`,
  },
  timer: {
    why: 'as its steps say',
    clause: 'its steps have a pause here',
    end: (service) => `\`serin promote ${service}\` ends it now`,
  },
  operator: {
    why: 'by an operator',
    clause: 'an operator paused it',
    end: (service) => `\`serin resume ${service}\` goes on`,
  },
  'ratio-mismatch': {
    clause: 'requests are not shared out as drawn',
    end: (service) => `\`serin resume ${service}\` goes on, and counts the shares anew`,
  },
  baseline: {
    clause: 'the baseline is sick',
    end: (service) =>
      `it does not go on by itself: \`serin resume ${service}\` once the baseline is well again; where the canary is well, \`serin promote ${service} --full\` gives it everybody (\`abort\` gives everybody the sick baseline)`,
  },
  override: {
    clause: 'somebody set the weight',
    end: (service) => `\`serin resume ${service}\` goes back to the weight of the step`,
  },
}
