import type { IncomingMessage } from 'node:http'
import type { RequestNote } from '../metrics/recorder.ts'
import { scanJson } from '../routing/json-scan.ts'
import type { Prefix } from './collect-prefix.ts'
import type { BodyValues } from './http-fields.ts'

/** Length of the JSON part of a body that goes on with binary tensors (KServe and Triton, "binary data" extension). */
const JSON_LENGTH_HEADER = 'inference-header-content-length'

/** What the beginning of a body says at the pointers. `note`: why something could not be read. */
export type BodyKey = { readonly values: BodyValues | null; readonly note: RequestNote | null }

/**
 * Reads the fields that a split needs from the first `inspectBytes` of a JSON body. A body that is encoded, is not
 * JSON, or has the fields too far behind has none: such a request is drawn afresh, and counted.
 */
export function readBodyKey(
  req: IncomingMessage,
  prefix: Prefix,
  pointers: readonly string[],
  inspectBytes: number,
): BodyKey {
  const { chunks, bytes, isComplete } = prefix
  if (bytes === 0) return { values: null, note: null }
  if (isEncodedBody(req)) return { values: null, note: 'key_unreadable' }
  const buffer = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  const jsonBytes = readJsonLength(req) ?? Infinity
  const length = Math.min(jsonBytes, bytes, inspectBytes)
  const scan = scanJson(buffer, length, pointers)
  const values = { pointers, values: scan.values }
  if (scan.status === 'found') return { values, note: null }
  const isCut = scan.status === 'incomplete' && !isComplete && length < jsonBytes
  return { values, note: isCut ? 'body_over_inspect_limit' : 'key_unreadable' }
}

/** Whether the body's bytes are not those of the document (`content-encoding: gzip`, say). */
function isEncodedBody(req: IncomingMessage): boolean {
  const coding = req.headers['content-encoding']
  return coding !== undefined && coding !== 'identity'
}

function readJsonLength(req: IncomingMessage): number | null {
  const header = req.headers[JSON_LENGTH_HEADER]
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null
}
