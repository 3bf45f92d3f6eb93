import type { Test } from 'tap'
import { readJson, sendJson, startStandIn, type Protocol, type StandIn } from './stand-in.ts'

type Tensor = { readonly name: string; readonly data: readonly number[] }

/**
 * Starts a server of the Open Inference Protocol, version 2 (github.com/kserve/open-inference-protocol,
 * specification/protocol/inference_rest.md), with one model, `credit-risk`: server and model readiness, metadata,
 * inference with or without a version in the path, and errors as `{"error": …}`. Where the protocol leaves it open, it
 * does as Triton does (triton-inference-server/server, docs/protocol/README.md): readiness is a status without a body, a
 * request that cannot be read is 400, a model that is not there 404, a failure inside 500. Its prediction is the first
 * number of the first input.
 */
export function startTriton(t: Test, versions: readonly string[]): Promise<StandIn> {
  return startStandIn(t, versions, oip)
}

const MODEL = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(infer|ready))?$/

const oip: Protocol = (request, res, server, fails) => {
  const path = request.url.split('?')[0]!
  const empty = (status: number) =>
    void res.writeHead(status, { 'content-type': 'text/plain', 'content-length': 0 }).end()
  if (path === '/v2/health/live') return empty(200)
  if (path === '/v2/health/ready') return empty(server.ready ? 200 : 400)
  if (path === '/v2') {
    const extensions = ['classification', 'binary_tensor_data', 'model_repository']
    return sendJson(res, 200, { name: 'triton', version: '2.60.0', extensions })
  }
  const [, model, asked, verb] = MODEL.exec(path) ?? []
  const versions = Object.keys(server.behaviour)
  const version = asked ?? versions.at(-1)!
  if (model !== 'credit-risk' || !versions.includes(version)) {
    const error = `Request for unknown model: '${model}' version ${version} is not found`
    return sendJson(res, 404, { error })
  }
  if (verb === 'ready') return empty(server.ready ? 200 : 400)
  if (verb === undefined) {
    const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1] })
    return sendJson(res, 200, {
      ...{ name: model, versions, platform: 'onnxruntime_onnx' },
      ...{ inputs: [tensor('features')], outputs: [tensor('risk')] },
    })
  }
  if (request.method !== 'POST') return empty(405)
  const body = readJson(request) as { id?: string; inputs?: readonly Tensor[] } | null
  const x = body?.inputs?.[0]?.data[0]
  if (x === undefined)
    return sendJson(res, 400, { error: "Unable to parse 'inputs': field missing" })
  if (fails(version)) return sendJson(res, 500, { error: 'onnx runtime error 6: out of memory' })
  sendJson(res, 200, {
    ...(body!.id === undefined ? {} : { id: body!.id }),
    ...{ model_name: model, model_version: version },
    outputs: [
      { name: 'risk', datatype: 'FP32', shape: [1], data: [x + server.behaviour[version]!.off] },
    ],
  })
}
