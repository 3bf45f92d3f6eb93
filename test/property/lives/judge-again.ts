import type { AttemptJson } from '../../../src/admin/present-cohort.ts'
import type { BacktestReport } from '../../../src/cli/backtest-report.ts'
import type { Life } from './life.ts'
import type { LifeGateway } from './life-gateway.ts'

/** A decision is of a look, and looks of a replay are at other moments than those of life. */
const APART_MS = 2000

/**
 * Judges every attempt of which a gateway keeps cohorts again, by the rules that it was judged by: the same decisions have
 * to come out, or the report says what it could not answer. What befell gateways meanwhile, or changed the rules, is in no
 * record. Resolves with how many attempts came out as they were.
 */
export async function judgeAgain(life: Life, gateway: LifeGateway, name: string): Promise<number> {
  const { inspector, log, terminal } = life
  const answer = await inspector.ask(gateway, `/api/v1/services/${name}/cohorts`)
  if (answer.status !== 200) return 0
  let same = 0
  for (const { rollout } of answer.json<{ attempts: readonly AttemptJson[] }>().attempts) {
    const report = await terminal.backtest(gateway, name, rollout)
    const logged = log.ofAttempt(name, rollout)
    if (report === null || logged.length === 0) continue
    const [from, to] = [logged[0]!.at, logged.at(-1)!.at]
    const isDisturbed = life.disturbances.hadOne(name, from - APART_MS, to + APART_MS)
    if (report.differsFrom === null) same += 1
    else if (!isDisturbed && !isExplained(report)) {
      life.fault(
        `a backtest of ${name}, ${rollout}, differs:\n${print(report)}\n${log.print(name)}`,
      )
    }
  }
  return same
}

/** Whether the report names what it could not answer among what parts the two. */
function isExplained({ decisions, metrics, unanswered, evicted }: BacktestReport): boolean {
  const parting = decisions.find(({ recorded, replayed }) => recorded === null || replayed === null)
  const reasons = [parting?.recorded?.reason, parting?.replayed?.reason]
  const isInexact = metrics.some((m) => m.fidelity !== 'exact' && reasons.includes(m.name))
  return isInexact || unanswered.length > 0 || evicted > 0
}

function print({ decisions, differsFrom, metrics, refused, end }: BacktestReport): string {
  const line = (of: BacktestReport['decisions'][number]['recorded']) =>
    of === null
      ? '-'
      : `${of.action} (${of.reason}) ${of.to.phase} ${of.to.weights['canary']} %: ${of.summary}`
  return [
    `from ${differsFrom}; refused: ${refused.join()}; ends ${JSON.stringify(end)}`,
    ...metrics.map(({ name, fidelity, note }) => `  ${name}: ${fidelity} ${note ?? ''}`),
    ...decisions.map(
      ({ at, recorded, replayed }) => `  ${at} ${line(recorded)} | ${line(replayed)}`,
    ),
  ].join('\n')
}
