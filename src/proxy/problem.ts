import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import { markClosing } from './closing-connections.ts'
import { endUnread } from './end-unread.ts'
import { isUnread } from './has-body.ts'
import { lingerAndEnd } from './linger.ts'
import { isUpgrade } from './upgrade.ts'

/** What an error answer of serin's own says. */
export type Problem = {
  readonly code: ErrorCode
  readonly requestId: string
  readonly requestIdHeader: string
  /** serin's pseudonym, in `Proxy-Status`. */
  readonly name: string
  /** The variant that was asked last, if one was and answers name it. */
  readonly variant?: string | null
  /** The variant in whose place that one was asked; null = nobody's. */
  readonly fallbackFrom?: string | null
  /** Replaces the catalogue's sentence. */
  readonly detail?: string
  /** Further header fields as flat pairs. */
  readonly headers?: readonly string[]
  /** The connection ends with this answer. It does anyway when the request was not read to its end. */
  readonly close?: boolean
}

/** When to come back, in seconds, after an answer that asks to. */
const RETRY_AFTER = '1'

/** The media type of problem details (RFC 9457 section 3). */
export const PROBLEM_TYPE = 'application/problem+json'

/** An error answer but for its status line, and what it says of the connection. */
export type BuiltProblem = {
  /** Header fields as flat pairs. */
  readonly headers: string[]
  readonly body: string
}

/** Builds an error answer: problem details (RFC 9457) with `code` and `requestId`, and the fields beside them. */
export function buildProblem(problem: Problem): BuiltProblem {
  const { code, requestId, name } = problem
  const { status, title, detail: usual, proxyStatus } = errorEntry(code)
  const detail = problem.detail ?? usual
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail, requestId })
  const headers = ['content-type', PROBLEM_TYPE, 'content-length', String(Buffer.byteLength(body))]
  headers.push('cache-control', 'no-store', 'x-serin-error', code)
  headers.push(problem.requestIdHeader, requestId)
  if (proxyStatus !== null) headers.push('proxy-status', `${name}; error=${proxyStatus}`)
  if (problem.variant != null) {
    headers.push('x-serin-variant', problem.variant)
    if (problem.fallbackFrom != null) headers.push('x-serin-fallback', problem.fallbackFrom)
  }
  if (status === 503) headers.push('retry-after', RETRY_AFTER)
  if (problem.headers !== undefined) headers.push(...problem.headers)
  return { headers, body }
}

/** Answers with an error that serin made itself, marked so that nobody takes it for the model's own. */
export function answerProblem(req: IncomingMessage, res: ServerResponse, problem: Problem): void {
  if (res.destroyed) return
  const { code } = problem
  const { status } = errorEntry(code)
  const { headers, body } = buildProblem(problem)
  const unread = isUnread(req)
  if (unread || problem.close === true) {
    headers.push('connection', 'close')
    markClosing(req.socket)
  }
  res.writeHead(status, headers)
  endUnread(res)
  if (unread && code !== 'SERIN_REQUEST_TIMEOUT' && !isUpgrade(req)) {
    res.write(body)
    lingerAndEnd(req, res)
  } else {
    res.end(body)
  }
}
