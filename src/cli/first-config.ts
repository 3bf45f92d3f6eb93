/** What the canary is to be judged by: server metrics alone, or these and the model's own. */
export type Judge = 'errors-latency' | 'rmse' | 'accuracy' | 'log-loss' | 'events'

/** What can be judged, with what it means to people. */
export const JUDGES: Readonly<Record<Judge, string>> = {
  'errors-latency': 'errors and latency alone',
  rmse: 'and how far predicted numbers are off, by labels that arrive later (RMSE)',
  accuracy: 'and how many predicted classes are right, by labels that arrive later',
  'log-loss':
    'and how well predicted probabilities (0 to 1) fit, by labels 0 or 1 that arrive later',
  events: 'and what users do afterwards, by events that arrive later (conversion)',
}

/** Whether a model's predictions are judged, so that it must be known where they stand in an answer. */
export function isJudgedByLabels(judge: Judge): boolean {
  return judge === 'rmse' || judge === 'accuracy' || judge === 'log-loss'
}

/** What a first configuration is made of: values that need no quoting beyond double quotes. */
export type FirstConfig = {
  readonly service: string
  readonly baseline: string
  readonly canary: string
  readonly path: string
  /** Name of the header with a user's id; null = requests are drawn one by one. */
  readonly key: string | null
  readonly judge: Judge
  /** JSON pointer to the predicted value in the answer. */
  readonly prediction: string
  /** The name of the event that counts. */
  readonly event: string
  /** How long a label or an event is waited for, as a configuration has it: `1m`. */
  readonly window: string
}

/** How long a first canary is watched at 100 %: until then somebody is likely to look on. */
export const WATCH = '2m'

/** The canary's shares in percent, and how long a rollout may take where the default is too short. */
export type FirstSteps = {
  readonly weights: readonly number[]
  readonly maxDuration: string | null
  /** What the planner says of them, as a sentence. */
  readonly forecast: string
}

/** Builds the text of a first configuration: one that rolls out, with comments on what to change. */
export function buildFirstConfig(first: FirstConfig, steps: FirstSteps): string {
  const { service, baseline, canary, path } = first
  return `# A first configuration of serin. Check it with \`serin check --explain\`, run it with \`serin serve\`.
# ${steps.forecast}
# \`serin plan -c FILE --rps N\` says it again after each change, and what takes longest.
version: 1
gateway:
  listen: 127.0.0.1:8080          # callers send their inference requests here; 0.0.0.0:8080 for others
admin:
  listen: 127.0.0.1:9090          # \`serin status\` asks here; off loopback only with tokens
store: lmdb:./data                # rollouts survive a restart here
services:
  ${service}:
    match: { path: "${path}", methods: [POST] }
    variants:
      baseline: { version: "1.0", upstreams: ["${baseline}"] }
      canary: { version: "2.0", upstreams: ["${canary}"] }
${renderSplit(first)}${renderObserve(first)}    rollout:
      steps:                      # the canary's share; each step waits for its evidence
${steps.weights.map((weight) => `        - { weight: ${weight}% }\n`).join('')}${
    steps.maxDuration === null
      ? ''
      : `      maxDuration: ${steps.maxDuration}            # with this traffic a day may not do\n`
  }      watch: ${WATCH}                   # at 100 %, before it is promoted; in earnest 30m (the default) or more
    analysis:
      minRequests: 300            # of the canary in each step, at least; the default is 1000
      metrics:
        # An answer with a 5xx, or none, is a failure; a 4xx is none: \`errors: { statuses: […] }\` of the service says else.
        # At 100 % there is no baseline to compare with: from \`max\` on, failures take the promotion back.
        errors: { kind: error-rate, maxIncrease: 0%, max: 5% }
        # Later by more than a quarter is harm. To show that it is no more than 10 % takes four times the traffic and more.
        latency: { kind: latency, quantile: 0.95, maxIncrease: 25% }
${renderQuality(first)}`
}

function renderSplit({ key }: FirstConfig): string {
  return key === null
    ? `    # split:
    #   key: header:x-user-id     # a user stays on one version; without a key each request is drawn anew
`
    : `    split:
      key: header:${key}     # a user stays on one version
`
}

function renderObserve({ judge, prediction }: FirstConfig): string {
  if (isJudgedByLabels(judge)) {
    const value = judge === 'log-loss' ? 'probability, 0 to 1,' : 'value'
    return `    observe:
      prediction: body:${prediction}      # where the predicted ${value} stands in the answer's JSON
`
  }
  if (judge === 'events') return ''
  return `    # observe:
    #   prediction: body:${prediction}      # the predicted number in the answer, for rmse below
`
}

function renderQuality({ judge, event, key, window }: FirstConfig): string {
  switch (judge) {
    case 'errors-latency':
      return `        # rmse: { kind: rmse, maxIncrease: 5%, labelWindow: ${window} }     # labels by \`serin feedback\`\n`
    case 'rmse':
      return `        # Labels: {"service": "…", "requestId": "…", "label": 0.31} by \`serin feedback\`, within the window.
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: ${window} }
`
    case 'accuracy':
      return `        # Labels: {"service": "…", "requestId": "…", "label": 1} by \`serin feedback\`, within the window.
        accuracy: { kind: accuracy, maxDecrease: 2%, labelWindow: ${window} }
`
    case 'log-loss':
      return `        # Labels, 0 or 1: {"service": "…", "requestId": "…", "label": 1} by \`serin feedback\`, within the window.
        log-loss: { kind: log-loss, maxIncrease: 5%, labelWindow: ${window} }
`
    case 'events': {
      const who = key === null ? '"requestId": "…"' : '"key": "…"'
      return `        # Events: {"service": "…", ${who}, "event": "${event}"} by \`serin feedback\`, within the window.
        conversion: { kind: conversion, event: "${event}", maxDecrease: 10%, window: ${window} }
`
    }
  }
}
