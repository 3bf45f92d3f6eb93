import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { Pool } from 'undici'
import type { MirrorSpec, Service } from '../../src/domain/service.ts'
import type { Variant } from '../../src/domain/variant.ts'
import type { MirrorBook } from '../../src/metrics/mirror-book.ts'
import { startUpstream, type SeenRequest } from '../support/fake-upstream.ts'
import {
  serviceWith,
  startGateway,
  variantAt,
  type TestGatewayOptions,
} from '../support/start-gateway.ts'

/** A mirror that gets everything. */
export const TO_SHADOW: MirrorSpec = {
  to: 'shadow',
  share: 1,
  maxBytes: 1_048_576,
  tolerance: 0.01,
}

/** An upstream's way to answer. */
export type Answer = (req: IncomingMessage, res: ServerResponse, seen: SeenRequest) => void

/** A service whose baseline answers and whose variant `shadow` gets copies, over real sockets. */
export async function startMirrored(
  t: Test,
  answers: { readonly live?: Answer; readonly shadow?: Answer },
  more: {
    readonly service?: Partial<Service>
    readonly mirror?: Partial<MirrorSpec>
    readonly shadow?: Partial<Variant>
    readonly options?: TestGatewayOptions
  } = {},
) {
  const live = await startUpstream(answers.live ?? ((_req, res) => res.end('live')))
  const shadow = await startUpstream(answers.shadow ?? ((_req, res) => res.end('shadow')))
  const service = serviceWith(
    [variantAt('baseline', live.origin), variantAt('shadow', shadow.origin, more.shadow)],
    { idempotent: true, mirrors: [{ ...TO_SHADOW, ...more.mirror }], ...more.service },
  )
  const gateway = await startGateway([service], more.options)
  const pool = new Pool(gateway.url, { connections: 50 })
  t.teardown(async () => {
    await pool.destroy()
    await gateway.close()
    await Promise.all([live.close(), shadow.close()])
  })
  const post = async (body: string | Buffer = 'body', path = '/m/x') => {
    const answer = await pool.request({ path, method: 'POST', body })
    return `${answer.statusCode} ${await answer.body.text()}`
  }
  return { live, shadow, service, gateway, post, book: gateway.mirrors.get('shadow')! }
}

/** Waits until the mirror's book is as told; looks at it once a turn of the event loop. */
export async function untilBook(
  book: MirrorBook,
  isSo: (book: MirrorBook) => boolean,
): Promise<void> {
  while (!isSo(book)) await delay(1)
}

/** The results of copies that are not zero. */
export function resultsOf({ results }: MirrorBook): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(results).filter(([, count]) => count > 0))
}
