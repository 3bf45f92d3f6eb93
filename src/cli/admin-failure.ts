import type { ErrorCode } from '../domain/errors.ts'
import { CliExit, EXIT } from './cli-exit.ts'

/** An answer of the admin API that is no success, or nothing that serin would answer. */
export type FailedAnswer = { readonly status: number; readonly body: unknown }

type Problem = { readonly code?: unknown; readonly detail?: unknown; readonly problems?: unknown }

/**
 * How a command ends by an answer: what the gateway said, what to do next, and the code. `service` is the one
 * that was asked about, where one was; `base` is where the API was asked for.
 */
export function describeFailure(
  { status, body }: FailedAnswer,
  base: string,
  service: string | null,
): CliExit {
  const told: Problem = body ?? {}
  const { code, detail, problems } = told
  if (typeof code !== 'string' || typeof detail !== 'string') {
    return new CliExit(
      EXIT.unreachable,
      `what answers at ${base} (status ${status}) is not serin's admin API: ${POINT_ELSEWHERE}`,
    )
  }
  if (isOfDataPort(code)) {
    return new CliExit(
      EXIT.unreachable,
      `${base} answers like serin's data port: --admin (or SERIN_ADMIN) wants the address of \`admin.listen\` [${code}]`,
      told,
    )
  }
  const lines = Array.isArray(problems) ? problems.map((problem) => `\n  ${String(problem)}`) : []
  const advice = adviceOn(code, service)
  return new CliExit(
    exitCodeOf(status),
    `${advice === null ? detail : `${detail.replace(/\.$/, '')}. ${advice}`} [${code}]${lines.join('')}`,
    told,
  )
}

/** How a command ends by a connection that did not come about, or broke. */
export function describeUnreachable(base: string, error: unknown): CliExit {
  const { code, message } = error as { readonly code?: string; readonly message: string }
  const hint = HINTS[code ?? ''] ?? 'is `serin serve` running?'
  return new CliExit(
    EXIT.unreachable,
    `cannot reach the gateway at ${base} (${code ?? message}): ${hint} ${POINT_ELSEWHERE}`,
  )
}

const POINT_ELSEWHERE = 'Point to another one with --admin URL or SERIN_ADMIN.'

const NO_NAME = 'is the name of the host right?'
const SILENT = 'something is there and does not answer: is it stopped, or a firewall between?'

/** What is likely wrong, by the codes of Node and undici. */
const HINTS: Readonly<Record<string, string>> = {
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  UND_ERR_CONNECT_TIMEOUT: SILENT,
  UND_ERR_HEADERS_TIMEOUT: SILENT,
  UND_ERR_BODY_TIMEOUT: SILENT,
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS: is it http:// that is meant?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it speaks no TLS: is it http:// that is meant?',
  UND_ERR_SOCKET:
    'the connection broke: does it speak TLS (https://), or did the gateway just end?',
  HPE_INVALID_CONSTANT: 'what listens there does not speak HTTP.',
}

/** Problems of finding a service and its model: what the data port says to a path of the API. */
function isOfDataPort(code: string): boolean {
  return /^SERIN_(?:NO_ROUTE$|METHOD_NOT_ALLOWED$|UPSTREAM_)/.test(code)
}

function exitCodeOf(status: number): number {
  const isRefusal = status === 401 || status === 403 || status === 409 || status === 412
  return isRefusal || status >= 500 ? EXIT.refused : EXIT.badInput
}

/** The next step after a problem of the API; null where its detail names it, or there is none to name. */
function adviceOn(code: string, service: string | null): string | null {
  const status = service === null ? '`serin status`' : `\`serin status ${service}\``
  const advice: Partial<Readonly<Record<ErrorCode, string>>> = {
    SERIN_UNAUTHENTICATED: 'Set SERIN_TOKEN, or give --token',
    SERIN_FORBIDDEN:
      'Set SERIN_TOKEN to a token that may (`admin.tokens` of the configuration), or ask at an address that it allows (--admin)',
    SERIN_UNKNOWN_SERVICE: '`serin status` shows those that there are',
    SERIN_NOT_FOUND:
      service === null
        ? 'Is the gateway of the version of this command line (`serin --version`)?'
        : `\`serin decisions ${service}\` lists what was decided`,
    SERIN_REFUSED: `${status} shows how it stands`,
    SERIN_STALE_REVISION: `Somebody, or the evidence, was faster: look (${status}), then give the command again`,
    SERIN_CONFIG_INVALID:
      "Mend these in the gateway's file, try it with `serin check`, and reload again",
    SERIN_BODY_TOO_LARGE: 'Send it in smaller parts',
    SERIN_STORE_FAILED:
      'The weights stay as they are: `serin status` shows whether the store is still so',
    SERIN_INTERNAL: "The gateway's log says what",
  }
  return advice[code as ErrorCode] ?? null
}
