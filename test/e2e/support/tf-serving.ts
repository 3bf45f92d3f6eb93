import type { Test } from 'tap'
import { readJson, sendJson, startStandIn, type Protocol, type StandIn } from './stand-in.ts'

/**
 * Starts a server of TensorFlow Serving's REST API (github.com/tensorflow/serving, tensorflow_serving/g3doc/api_rest.md)
 * with its example model, `half_plus_three`: model status, `:predict` in row and column format, with or without a version
 * in the path, errors as `{"error": …}`, and the tokens `NaN`, `Infinity` and `-Infinity` in both directions, which JSON does
 * not have.
 */
export function startTfServing(t: Test, version: string): Promise<StandIn> {
  return startStandIn(t, [version], rest)
}

const MODEL = /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+))?(\/metadata|:predict)?$/

const rest: Protocol = (request, res, server, fails) => {
  const [version] = Object.keys(server.behaviour) as [string]
  const [, model, asked = version, verb] = MODEL.exec(request.url) ?? []
  if (model !== 'half_plus_three' || asked !== version) {
    const found = asked === version ? `Latest(${model})` : `Specific(${model}, ${asked})`
    return sendJson(res, 404, { error: `Servable not found for request: ${found}` })
  }
  if (verb === undefined) {
    const status = { error_code: 'OK', error_message: '' }
    const state = server.ready ? 'AVAILABLE' : 'LOADING'
    return sendJson(res, 200, { model_version_status: [{ version, state, status }] })
  }
  const body = readJson(request)
  if (body === null) return sendJson(res, 400, { error: 'JSON Parse error: Invalid value.' })
  const isRow = 'instances' in body
  const inputs = (isRow ? body['instances'] : body['inputs']) as readonly number[] | undefined
  if (!Array.isArray(inputs)) {
    return sendJson(res, 400, { error: "Missing 'inputs' or 'instances' key" })
  }
  if (fails(version)) return sendJson(res, 503, { error: 'Loading servable failed' })
  const texts = /\[([^\]]*)\]/.exec(request.body.toString())![1]!.split(',')
  const predictions = inputs.map((x: number, i) =>
    texts[i]!.trim() === 'NaN' ? 'NaN' : String(x / 2 + 3 + server.behaviour[version]!.off),
  )
  const list = `[${predictions.join(', ')}\n    ]`
  sendJson(res, 200, `{\n    "${isRow ? 'predictions' : 'outputs'}": ${list}\n}`)
}
