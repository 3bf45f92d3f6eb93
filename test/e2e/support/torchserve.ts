import type { Test } from 'tap'
import { sendJson, startStandIn, type Protocol, type StandIn } from './stand-in.ts'

/**
 * Starts a server of TorchServe's inference API (github.com/pytorch/serve, docs/inference_api.md) with its example model,
 * `resnet-18`: `/ping`, `/predictions/{model}[/{version}]` of any bytes, raw or as multipart, and errors as
 * `{"code", "type", "message"}`. The probability of its answer is 0.5, and `off` more.
 */
export function startTorchServe(t: Test, version: string): Promise<StandIn> {
  return startStandIn(t, [version], inference)
}

const PREDICTIONS = /^\/predictions\/([^/]+)(?:\/([^/]+))?$/

const inference: Protocol = (request, res, server, fails) => {
  if (request.url === '/ping') {
    return sendJson(res, server.ready ? 200 : 500, {
      status: server.ready ? 'Healthy' : 'Unhealthy',
    })
  }
  const refuse = (code: number, type: string, message: string) =>
    sendJson(res, code, { code, type, message })
  const [version] = Object.keys(server.behaviour) as [string]
  const [, model, asked = version] = PREDICTIONS.exec(request.url) ?? []
  if (model === undefined) {
    return refuse(404, 'ResourceNotFoundException', 'Requested resource is not found.')
  }
  if (model !== 'resnet-18' || asked !== version) {
    return refuse(404, 'ModelNotFoundException', `Model not found: ${model}`)
  }
  if (fails(version)) {
    const message = `Model "${model}" has no worker to serve inference request. Please use scale workers API to add workers.`
    return refuse(503, 'ServiceUnavailableException', message)
  }
  if (request.body.length === 0) return refuse(400, 'BadRequestException', 'No input')
  const probability = 0.5 + server.behaviour[version]!.off
  sendJson(res, 200, { class: 'n02123045 tabby, tabby cat', probability })
}
