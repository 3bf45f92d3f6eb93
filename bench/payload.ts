/** Bytes of the body of a request, and of an answer. */
export const PAYLOAD_BYTES = 1024

/** Where requests are sent to. */
export const TARGET_PATH = '/v2/models/credit-risk/infer'

/** An inference request of exactly `PAYLOAD_BYTES`. */
export const REQUEST_BODY = padded({
  id: 'bench',
  parameters: { card_tier: 'silver' },
  inputs: [{ name: 'x', shape: [1, 8], datatype: 'FP64', data: [0.5, 1, 2, 3, 5, 8, 13, 21] }],
})

/** An inference answer of exactly `PAYLOAD_BYTES`, without single quotes (it stands in a configuration). */
export const ANSWER_BODY = padded({
  model_name: 'credit-risk',
  model_version: '1',
  outputs: [{ name: 'y', shape: [1, 1], datatype: 'FP64', data: [0.42] }],
})

function padded(value: Readonly<Record<string, unknown>>): string {
  const bare = JSON.stringify({ ...value, padding: '' })
  return JSON.stringify({ ...value, padding: 'x'.repeat(PAYLOAD_BYTES - bare.length) })
}
