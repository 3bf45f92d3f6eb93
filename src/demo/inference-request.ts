/** A request for one prediction, as the Open Inference Protocol v2 writes it. */
export type InferenceRequest = {
  /** Echoed in the answer; null when the caller gave none. */
  readonly id: string | null
  readonly features: readonly number[]
}

/**
 * Reads the body of `POST /v2/models/{model}/infer`: one input tensor `features` of datatype FP64 and
 * shape [1, n], its data flat or nested (Open Inference Protocol v2, "Inference Request JSON Object").
 * Throws with a sentence for the caller when the body is anything else.
 */
export function parseInferenceRequest(body: string, featureCount: number): InferenceRequest {
  const request = parseObject(body)
  const id = request['id'] ?? null
  if (id !== null && typeof id !== 'string') throw new Error('id: not a string')
  const inputs = request['inputs']
  if (!Array.isArray(inputs) || inputs.length !== 1) {
    throw new Error('inputs: not an array of one tensor')
  }
  return { id, features: readTensor(inputs[0], featureCount) }
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw new Error(`the body is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!isObject(value)) throw new Error('the body is not a JSON object')
  return value
}

function readTensor(tensor: unknown, featureCount: number): readonly number[] {
  if (!isObject(tensor)) throw new Error('inputs[0]: not an object')
  if (tensor['name'] !== 'features') throw new Error('inputs[0].name: not "features"')
  if (tensor['datatype'] !== 'FP64') throw new Error('inputs[0].datatype: not "FP64"')
  const shape = tensor['shape']
  if (!Array.isArray(shape) || shape.length !== 2 || shape[0] !== 1 || shape[1] !== featureCount) {
    throw new Error(`inputs[0].shape: not [1, ${featureCount}]`)
  }
  const data = Array.isArray(tensor['data']) ? tensor['data'].flat() : []
  if (data.length !== featureCount || !data.every((value) => Number.isFinite(value))) {
    throw new Error(`inputs[0].data: not ${featureCount} numbers`)
  }
  return data as readonly number[]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
