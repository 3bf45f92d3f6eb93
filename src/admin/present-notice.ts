import { adminOfProcess, describeProcess } from '../domain/process-name.ts'
import { bpToPercent } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { formatCount, formatTimeSpan } from '../rollout/format.ts'
import { rulesTo } from './present-rules.ts'
import type { ServiceStatus } from './service-status.ts'

/**
 * What must be said of the gateway itself, who cannot answer, which upstreams' names cannot be looked up, whether requests lack
 * their key, who decides on a service, what the store does not have of it, labels that do not come, and how its requests are
 * shared out; null = nothing.
 */
export function noticeOf(status: ServiceStatus): string | null {
  const { trouble, untaken, unstored } = status
  const found = [
    ...[...trouble, ofDown(status), ...ofNames(status), ofKeys(status)],
    ...[ofDeciding(status), unstored, untaken, ofLabels(status), ofRules(status)],
  ]
  const sentences = found.filter((each) => each !== null)
  return sentences.length === 0 ? null : sentences.join('. ')
}

/** Whether the process that decides has another rollout of the service: what is said here of its own one is not so. */
export function isDecidedOtherwise({ deciding }: ServiceStatus): boolean {
  return deciding?.lead === 'elsewhere' && deciding.differs
}

// Nothing judges any more after a promotion: nobody else would say it.
function ofDown({ service, weightsBp, variants, rollout }: ServiceStatus): string | null {
  const isDown = (name: string) => variants[name]?.healthy === 0
  const down = service.variants.filter(({ name }) => weightsBp[name]! > 0 && isDown(name))
  if (down.length === 0) return null
  const sentences = down.map(
    ({ name, version }) =>
      `${name} (${version}) gets ${bpToPercent(weightsBp[name]!)} % of the requests, and no upstream of it is healthy`,
  )
  const canUndo = rollout?.state.phase === 'promoted' && !isDown(BASELINE)
  const hint = canUndo ? `: \`serin undo ${service.name}\` gives them to the baseline` : ''
  return sentences.join('. ') + hint
}

// A server that has moved meanwhile is asked in vain, or another one answers at its address.
function ofNames({ failingNames }: ServiceStatus): readonly string[] {
  const all = Object.entries(failingNames)
  const byName = new Map(all.flatMap(([, failing]) => failing.map((each) => [each.name, each])))
  return [...byName.values()].map(({ name, since, why, addresses }) => {
    const variants = all.filter(([, failing]) => failing.some((each) => each.name === name))
    const what = `${name} (${variants.map(([variant]) => variant).join(', ')}) cannot be looked up since ${new Date(since).toISOString()} (${why})`
    return addresses.length === 0
      ? `${what}, and was never found: requests to it fail`
      : `${what}: requests go on to where it led last, ${addresses.join(', ')}`
  })
}

// Of strangers some have no key; where hardly any request has one it is asked for in the wrong place, and the promise that a
// user keeps a version holds for nobody.
function ofKeys({ keys: { requests, missing } }: ServiceStatus): string | null {
  if (requests < LEAST_REQUESTS || missing < requests * MISSING_SHARE) return null
  return `no key could be read from ${formatCount(missing)} of ${formatCount(requests)} requests, which are drawn anew each time: is split.key right?`
}

const LEAST_REQUESTS = 100
const MISSING_SHARE = 0.9

function ofDeciding(status: ServiceStatus): string | null {
  const { deciding, rollout, service } = status
  if (deciding?.lead !== 'elsewhere') return null
  const { holder } = deciding
  const who = `${holder === null ? 'another process' : describeProcess(holder)} decides on this store`
  const where = holder === null ? '' : whereToAsk(holder, service.name)
  if (!isDecidedOtherwise(status)) {
    return `${who}: this one follows its weights and hands commands on to it, and its status has the evidence${where}`
  }
  const served = rollout?.state.phase === 'idle' ? 'the baseline alone is served here, and ' : ''
  return `${who}, by another configuration of this service: ${served}nothing that is served here is evidence${where}. Give both the same file and reload; where they have it, their versions of serin differ, and the end of the update ends it`
}

/** Where the process that decides is asked, as an origin, where it is another one and others than its host reach it; else null. */
export function deciderOf({ deciding }: ServiceStatus): string | null {
  if (deciding?.lead !== 'elsewhere' || deciding.holder === null) return null
  const admin = adminOfProcess(deciding.holder)
  return admin === null || admin.onHost !== null ? null : admin.origin
}

function whereToAsk(holder: string, service: string): string {
  const admin = adminOfProcess(holder)
  if (admin === null) return ''
  const there = admin.onHost === null ? '' : ` on ${admin.onHost}`
  return `: \`serin status ${service} --admin ${admin.origin}\`${there}`
}

function ofLabels({ labelSilence: found }: ServiceStatus): string | null {
  if (found === null) return null
  const { since, usualMs, late, at } = found
  const ago = formatTimeSpan(at - since)
  const what =
    usualMs === null
      ? `no label has joined a request here, and requests have come for ${ago}`
      : `no label has joined a request since ${new Date(since).toISOString()} (${ago}), while requests go on; labels took ${formatTimeSpan(usualMs)} until then`
  const tooLate = late === 0 ? '' : `, and ${formatCount(late)} have come too late since`
  return `${what}${tooLate}: look at whoever sends them to /api/v1/feedback, and at the token that it uses`
}

function ofRules({ service, rollout, experiment }: ServiceStatus): string | null {
  const { split, variants } = service
  if (split.rules.length === 0) return null
  const winner = rollout?.state.phase === 'promoted' ? CANARY : (experiment?.winner ?? null)
  // Who looks at the weights alone would switch these off.
  const left = variants.flatMap(({ name, version }) => {
    const names = winner === null || name === winner ? [] : rulesTo(split, name)
    if (names.length === 0) return []
    return [
      `${name} (${version}) still answers, by rules that hold after a promotion too (${names.join('; ')}); `,
    ]
  })
  return `${left.join('')}${RULES_NOTICE}`
}

const RULES_NOTICE = 'rules do not randomise: no A/B test, no evidence (docs/key-split.md)'
