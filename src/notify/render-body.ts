import type { DecisionDraft } from '../domain/decision.ts'
import type { NotifySpec } from '../domain/notify.ts'

/** The body that a webhook is sent: `json` is the decision as the admin API shows it. */
export function renderBody(
  template: NotifySpec['template'],
  decision: DecisionDraft,
  json: unknown,
): string {
  switch (template) {
    case 'json':
      return JSON.stringify(json)
    case 'slack':
      return JSON.stringify({ text: renderSlackText(decision) })
  }
}

function renderSlackText({ service, rollout, summary, actor, note }: DecisionDraft): string {
  const by = actor === 'evaluator' ? '' : `\n_by ${escapeMrkdwn(actor)}_`
  const because = note === null ? '' : `\n> ${escapeMrkdwn(note.replaceAll('\n', ' '))}`
  return `*${escapeMrkdwn(service)}* (${escapeMrkdwn(rollout)}): ${escapeMrkdwn(summary)}${by}${because}`
}

// The three characters that Slack's mrkdwn gives a meaning of their own: a note must not ping a channel.
function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
