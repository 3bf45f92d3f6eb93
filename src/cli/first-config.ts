/** What a first configuration is made of: names and origins that need no quoting beyond double quotes. */
export type FirstConfig = {
  readonly service: string
  readonly baseline: string
  readonly canary: string
  readonly path: string
}

/** Builds the text of a first configuration: the shortest that rolls out, with comments on what to add. */
export function buildFirstConfig({ service, baseline, canary, path }: FirstConfig): string {
  return `# A first configuration of serin. Check it with \`serin check\`, run it with \`serin serve\`.
# For about 10 requests per second; \`serin plan -c FILE --rps N\` says how long it takes with yours.
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
    # split:
    #   key: header:x-user-id     # a user stays on one version; without a key each request is drawn anew
    # observe:
    #   prediction: body:/outputs/0/data/0      # the predicted number in the answer, for rmse below
    rollout:
      steps:                      # the canary's share; each step waits for its evidence
        - { weight: 5% }
        - { weight: 20% }
        - { weight: 50% }
        - { weight: 100% }
    analysis:
      metrics:
        errors: { kind: error-rate, maxIncrease: 0% }
        latency: { kind: latency, quantile: 0.95, maxIncrease: 10% }
        # rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }     # labels by \`serin feedback\`
`
}
