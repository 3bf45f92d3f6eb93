import type { Test } from 'tap'
import { startUpstream, type FakeUpstream, type SeenRequest } from '../../support/fake-upstream.ts'
import { createEvenly } from './evenly.ts'

/** How a model of the tests answers from now on; may be changed while it runs. */
export type ModelBehaviour = {
  /** The standard deviation of its errors. */
  error: number
  /** Share of its answers that are 500. */
  failures: number
  /** Share of its other answers that are 404; 0 where it is absent. */
  refusals?: number
  /** It answers nothing any more. */
  hangs?: boolean
}

export type TestModel = FakeUpstream & { readonly behaviour: ModelBehaviour }

/** Places one golden section apart lie evenly in [0, 1), however many of them there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Starts a model server that predicts `x` of the request's JSON with an error of its own: the true value of
 * every request is its `x`. Errors and failures come evenly, from a first error that is drawn: chance alone makes no
 * regression of two models that are alike.
 */
export async function startModel(
  t: Test,
  draw: () => number,
  behaviour: ModelBehaviour,
): Promise<TestModel> {
  let place = draw()
  const isFailure = createEvenly(() => behaviour.failures)
  const isRefusal = createEvenly(() => behaviour.refusals ?? 0)
  const upstream = await startUpstream((_req, res, seen) => {
    if (behaviour.hangs === true) return
    const status = isFailure() ? 500 : isRefusal() ? 404 : 200
    place = (place + GOLDEN) % 1
    // Uniform with this standard deviation: bounded, so that no cap is ever in the way.
    const error = behaviour.error * Math.sqrt(12) * (place - 0.5)
    res.writeHead(status, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ outputs: [{ data: [readX(seen) + error] }] }))
    // Nothing looks at them here, and there are many.
    upstream.seen.length = 0
  })
  t.teardown(upstream.close)
  return { ...upstream, behaviour }
}

function readX({ body }: SeenRequest): number {
  return body.length === 0 ? 0 : (JSON.parse(body.toString()) as { readonly x: number }).x
}
