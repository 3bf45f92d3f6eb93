/** What a process that follows says of its service beside the cohorts: nothing has happened to it. */
export const NOTHING_ELSE = {
  service: 'svc',
  trip: null,
  step: null,
  faults: null,
  labelled: null,
  departs: false,
} as const
