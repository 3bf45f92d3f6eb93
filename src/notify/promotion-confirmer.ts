import type { Clock } from '../domain/clock.ts'
import type { DecisionDraft } from '../domain/decision.ts'
import type { NotifySpec } from '../domain/notify.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { Confirmation, Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { promotionCandidate } from '../rollout/promotion-candidate.ts'
import { describeAnswer, type SendWebhook, type WebhookAnswer } from './webhook-sender.ts'

/** How often somebody is asked who has not said yes; a yes that is not used in this time is asked for anew. */
export const ASK_EVERY_MS = 10_000

/** What the confirmer needs of the world. */
export type ConfirmerDeps = {
  readonly clock: Clock
  /** Whether this process is the one that asks. */
  readonly leads: () => boolean
  /** The webhooks of a service. */
  readonly hooks: (service: string) => readonly NotifySpec[]
  readonly send: SendWebhook
  readonly render: (candidate: DecisionDraft) => string
  readonly report: (report: ConfirmationReport) => void
}

/** What one webhook said. */
export type ConfirmationReport = {
  readonly service: string
  readonly hook: NotifySpec
  readonly answer: WebhookAnswer
  readonly result: 'given' | 'refused' | 'unreachable'
  /** It said something else of this step before, or nothing. */
  readonly isNews: boolean
}

/** What was asked, and what was said to it. `about` names attempt and step. */
type Question = { readonly about: string; readonly askedAt: number; answer: Confirmation }

/**
 * Asks the `confirm-promotion` webhooks of a service before its automatic step to 100 %, in the background
 * and only once nothing else is missing. All of them must answer 200.
 */
export class PromotionConfirmer {
  readonly #deps: ConfirmerDeps
  readonly #questions = new Map<string, Question>()
  /** By service and address. */
  readonly #said = new Map<string, string>()

  constructor(deps: ConfirmerDeps) {
    this.#deps = deps
  }

  /** What is known now of the promotion that would be next; asks for more when it is time to. */
  confirm = (plan: RolloutPlan, state: RolloutState, seen: Observation): Confirmation => {
    const { clock, leads } = this.#deps
    const { service } = plan
    const candidate = leads() ? promotionCandidate(plan, state, seen) : null
    const last = this.#questions.get(service)
    if (candidate === null) {
      // An answer to what is not so any more counts no longer, and neither does one that is still on its way.
      if (last !== undefined) this.#questions.set(service, { ...last, about: '' })
      return 'not-asked'
    }
    const about = `${rolloutId(state)} ${state.step}`
    const now = clock.monotonic()
    const answer = last?.about === about ? last.answer : 'not-asked'
    if (last !== undefined && now - last.askedAt < ASK_EVERY_MS) return answer
    // A yes that was not used is over; what was no yes stands until there is another answer.
    const known = answer === 'given' ? 'not-asked' : answer
    const question: Question = { about, askedAt: now, answer: known }
    this.#questions.set(service, question)
    void this.#ask(question, service, candidate)
    return known
  }

  async #ask(question: Question, service: string, candidate: DecisionDraft): Promise<void> {
    const { hooks, render, report, send } = this.#deps
    const asked = hooks(service).filter((hook) => hook.confirmsPromotion)
    const body = render(candidate)
    const message = { event: 'confirm-promotion', decision: null, body } as const
    const results = await Promise.all(
      asked.map(async (hook) => {
        const answer = await send(hook, message)
        const result = judgeAnswer(answer)
        const said = `${question.about}: ${describeAnswer(answer)}`
        const by = `${service} ${hook.url}`
        report({ service, hook, answer, result, isNews: this.#said.get(by) !== said })
        this.#said.set(by, said)
        return result
      }),
    )
    // Nobody left to ask is nobody who said yes.
    const isGiven = results.length > 0 && results.every((result) => result === 'given')
    question.answer = isGiven ? 'given' : 'refused'
  }
}

function judgeAnswer(answer: WebhookAnswer): ConfirmationReport['result'] {
  if ('failure' in answer) return 'unreachable'
  return answer.status === 200 ? 'given' : 'refused'
}
