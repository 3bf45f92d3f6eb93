import type { ServiceJson } from '../../../src/admin/present.ts'
import type { BacktestReport } from '../../../src/cli/backtest-report.ts'
import { EXIT } from '../../../src/cli/cli-exit.ts'
import { run, type CliRun } from '../../cli/fake-io.ts'
import type { Chance } from './chance.ts'
import type { LifeGateway } from './life-gateway.ts'
import { isSpoilt, type LifeInspector } from './life-inspector.ts'
import type { LifeTime } from './life-time.ts'

/** What a terminal says where there is nothing to say yet. */
const NOTHING_YET =
  /has no decisions yet|no cohorts of .* are kept|the log does not know how .* began|no traffic to reckon with/

/** A span of time that is none. */
const BELOW_ZERO = /[ (]-\d[\d.,]* (s|min|h|d|ms)\b/

/** Somebody at a terminal, whose clock is right: what is printed is held against what the API says at that moment. */
export class LifeTerminal {
  readonly #time: LifeTime
  readonly #inspector: LifeInspector
  readonly #onFault: (what: string) => void

  constructor(time: LifeTime, inspector: LifeInspector, onFault: (what: string) => void) {
    this.#time = time
    this.#inspector = inspector
    this.#onFault = onFault
  }

  /** Everything that is printed of a service of a gateway. */
  async look(gateway: LifeGateway, name: string, chance: Chance): Promise<void> {
    const read = () => this.#inspector.ask(gateway, `/api/v1/services/${name}`)
    const before = await read()
    const status = await this.#run(gateway, 'status', name)
    const json = await this.#run(gateway, 'status', name, '-o', 'json')
    const explained = await this.#run(gateway, 'explain', name)
    const number = before.json<ServiceJson>().lastDecision?.id
    if (number !== undefined) {
      await this.#run(gateway, 'explain', name, String(chance.whole(1, number)))
    }
    await this.#run(gateway, 'decisions', name)
    await this.#run(gateway, 'plan', name, ...chance.pick([], ['--rps', '20']))
    // Orders that are carried out meanwhile are told of by one and not by the other.
    if ((await read()).text !== before.text) return
    const service = before.json<ServiceJson>()
    if (JSON.stringify(JSON.parse(json.stdout)) !== before.text) {
      this.#tell(gateway, json, `the API says ${before.text}`)
    }
    for (const wanted of [...headOf(service), ...rowsOf(service)]) {
      if (!wanted.test(status.stdout)) this.#tell(gateway, status, `not ${String(wanted)}`)
    }
    const said = explained.stdout.replaceAll(/\s+/g, ' ')
    for (const wanted of explanationOf(service)) {
      if (!said.includes(wanted)) this.#tell(gateway, explained, `not "${wanted}"`)
    }
  }

  /** Judges an attempt again by the rules that it was judged by; null = its record is none. */
  async backtest(
    gateway: LifeGateway,
    name: string,
    rollout: string,
  ): Promise<BacktestReport | null> {
    const args = ['backtest', name, '--rollout', rollout]
    await this.#run(gateway, ...args)
    const { exitCode, stdout } = await this.#run(gateway, ...args, '-o', 'json')
    return exitCode === EXIT.done ? (JSON.parse(stdout) as BacktestReport) : null
  }

  async #run(gateway: LifeGateway, ...args: readonly string[]): Promise<Said> {
    const argv = [...args, '--admin', gateway.admin]
    const clock = { now: () => this.#time.now(), monotonic: () => this.#time.ms }
    const said = { args, ...(await run(argv, { clock })) }
    const { exitCode, stdout, stderr } = said
    const isDone =
      exitCode === EXIT.done || (exitCode === EXIT.badInput && NOTHING_YET.test(stderr))
    if (!isDone) this.#tell(gateway, said, `exit code ${exitCode}: ${stderr}`)
    if (isSpoilt(stdout)) this.#tell(gateway, said, 'spoilt')
    if (BELOW_ZERO.test(stdout)) this.#tell(gateway, said, 'less than no time')
    return said
  }

  #tell(gateway: LifeGateway, { args, stdout }: Said, what: string): void {
    this.#onFault(`${gateway.name}, serin ${args.join(' ')}: ${what}\n${stdout}`)
  }
}

type Said = CliRun & { readonly args: readonly string[] }

function headOf({ name, phase, step }: ServiceJson): readonly RegExp[] {
  if (phase === null || step === null) return []
  const at = step.kind === null ? '' : `.* step ${step.index + 1}/${step.of}\\b`
  return [new RegExp(`^${name} +${phase} ${at}`, 'm')]
}

function rowsOf({ weights, variants, metrics }: ServiceJson): readonly RegExp[] {
  const ofVariants = Object.entries(variants).map(
    ([variant, { version, requests, errors }]) =>
      new RegExp(
        `^  ${variant} +${literal(version)} +${literal(String(weights[variant]))} % +\\S+ +${count(requests)} +${count(errors)} `,
        'm',
      ),
  )
  const ofMetrics = metrics.map(
    ({ name, verdict }) => new RegExp(`^  ${literal(name)} +${verdict} `, 'm'),
  )
  return [...ofVariants, ...ofMetrics]
}

/** What `explain` has to say, blanks aside. */
function explanationOf(service: ServiceJson): readonly string[] {
  const { lastDecision, phase, pause, metrics, missing, comparisons } = service
  if (comparisons.length > 0) return comparisons.map(({ variant }) => ` ${variant}: `)
  if (lastDecision === null) return []
  const { id, summary, to } = lastDecision
  const isUnderWay = phase === 'progressing' || pause?.by === 'approval' || pause?.by === 'timer'
  const isShown = isUnderWay && metrics.length > 0
  return [
    `Decision ${id} of ${service.name} `,
    summary,
    `To: ${to.phase}`,
    ...(isShown ? missing.map((sentence) => `Missing: ${sentence}.`) : []),
    ...(isShown ? metrics.map(({ name }) => ` ${name} (`) : []),
  ].map((text) => text.replaceAll(/\s+/g, ' '))
}

function count(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
