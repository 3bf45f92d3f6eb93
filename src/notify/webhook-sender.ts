import { Agent, request } from 'undici'
import type { Clock } from '../domain/clock.ts'
import type { NotifyEvent, NotifySpec } from '../domain/notify.ts'
import { sign } from './sign.ts'

/** Longest time that one attempt may take, connection and all. */
export const WEBHOOK_TIMEOUT_MS = 5000

/** Most of an answer's body that is read, so that nothing is left half read. */
const MOST_BODY_BYTES = 64 * 1024

/** One POST to a webhook. */
export type WebhookMessage = {
  readonly event: NotifyEvent | 'confirm-promotion'
  /** Id of the decision; null = it is not decided yet. */
  readonly decision: number | null
  readonly body: string
}

/** The status that was answered, or in a few words why there was none. */
export type WebhookAnswer = { readonly status: number } | { readonly failure: string }

/** Sends one message once; never rejects. */
export type SendWebhook = (hook: NotifySpec, message: WebhookMessage) => Promise<WebhookAnswer>

/**
 * Makes the HTTP client of the webhooks: bodies signed, 5 s for an attempt, redirects not followed (a
 * signed body must not go where nobody configured it to). `close` cuts what is under way.
 */
export function createWebhookSender(
  clock: Clock,
  timeoutMs = WEBHOOK_TIMEOUT_MS,
): { readonly send: SendWebhook; readonly close: () => Promise<void> } {
  // Messages are rare: a connection that was kept would mostly be dead when it is used again.
  const agent = new Agent({ pipelining: 0, connect: { timeout: timeoutMs } })
  return {
    send: async (hook, message) => {
      try {
        const { url, authorization } = splitUserInfo(hook.url)
        const answer = await request(url, {
          dispatcher: agent,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'serin',
            'x-serin-event': message.event,
            ...(message.decision === null ? {} : { 'x-serin-decision': String(message.decision) }),
            ...(hook.secret === null
              ? {}
              : {
                  'x-serin-signature': sign(
                    hook.secret,
                    Math.floor(clock.now() / 1000),
                    message.body,
                  ),
                }),
            ...authorization,
          },
          body: message.body,
          signal: AbortSignal.timeout(timeoutMs),
        })
        // The status has been given: what becomes of its body changes nothing. It is read at once: while nobody does,
        // undici 7 throws where nobody catches it when the server closes (tell-end-to-reader.ts).
        await answer.body.dump({ limit: MOST_BODY_BYTES }).catch(() => undefined)
        return { status: answer.statusCode }
      } catch (error) {
        return { failure: describeFailure(error as NodeJS.ErrnoException) }
      }
    },
    close: () => agent.destroy(),
  }
}

/** An answer for the log: never anything of the address or the body. */
export function describeAnswer(answer: WebhookAnswer): string {
  return 'failure' in answer ? answer.failure : `answered ${answer.status}`
}

function splitUserInfo(text: string): { url: URL; authorization: Record<string, string> } {
  const url = new URL(text)
  const { username, password } = url
  if (username === '' && password === '') return { url, authorization: {} }
  url.username = ''
  url.password = ''
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { url, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

// A message may quote the address; a code does not.
function describeFailure({ code, name }: NodeJS.ErrnoException): string {
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT') return 'no answer in time'
  if (code === 'ECONNREFUSED') return 'refused'
  return typeof code === 'string' ? code : name
}
