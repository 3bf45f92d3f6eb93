import type { ProxyLimits } from './exchange-context.ts'

/**
 * How long a client may go on before it sends the next part of its body, in ms: `bodyIdleMs`, and on the
 * whole not slower than `bodyBytesPerSecond`. Else a body that drips would hold its place for ever.
 * `clientMs`: what the client has taken so far for `bytes`.
 */
export function bodyPatience(
  { bodyIdleMs, bodyBytesPerSecond }: ProxyLimits,
  clientMs: number,
  bytes: number,
): number {
  const dueMs = bodyIdleMs + (bytes / bodyBytesPerSecond) * 1000
  return Math.max(0, Math.min(bodyIdleMs, dueMs - clientMs))
}
