import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'

/** Rules of a rollout of seconds. */
export const QUICK_ANALYSIS = `
    analysis:
      interval: 1s
      warmUp: 2s
      minRequests: 50
      metrics:
        errors: { kind: error-rate, maxIncrease: 0%, floor: 2% }
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 2s, minLabels: 100, cap: 25 }`

/** A configuration of a rollout with these rules, and of a service without. */
export const backtestConfig = (analysis = QUICK_ANALYSIS, name = 'credit-risk') => `version: 1
gateway: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
services:
  ${name}:
    match: { path: "/v2/models/${name}/*" }
    variants:
      baseline: { version: "7", upstreams: ["http://127.0.0.1:9001"] }
      canary: { version: "8", upstreams: ["http://127.0.0.1:9002"] }
    observe: { prediction: body:/outputs/0/data/0 }
    rollout:
      steps: [{ weight: 5%, minDuration: 2s }, { weight: 20%, minDuration: 2s }, { weight: 50%, minDuration: 2s }, { weight: 100% }]
      watch: 2s${analysis}
  plain:
    match: { path: /v2/models/plain/* }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:9001"] }
`

/** A file of its own with this text. */
export const fileWith = (t: Test, text: string) => {
  const file = join(t.testdir(), 'other.yaml')
  writeFileSync(file, text)
  return file
}
