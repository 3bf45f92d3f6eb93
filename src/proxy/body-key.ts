import type { IncomingMessage } from 'node:http'
import type { RequestNote } from '../metrics/recorder.ts'
import type { BodyPointers } from '../routing/fields.ts'
import { scanJson } from '../routing/json-scan.ts'
import { wholeBody, type Prefix } from './collect-prefix.ts'
import type { BodyValues } from './http-fields.ts'

/** Length of the JSON part of a body that goes on with binary tensors (KServe and Triton, "binary data" extension). */
const JSON_LENGTH_HEADER = 'inference-header-content-length'

/** What the beginning of a body says at the pointers. `note`: why something could not be read. */
export type BodyKey = { readonly values: BodyValues | null; readonly note: RequestNote | null }

/**
 * Reads the fields that a split and the analysis need from the first `inspectBytes` of a JSON body, whatever its content
 * type says: clients of models send JSON as form data and binary tensors behind JSON. A body that cannot
 * be decoded, is not JSON, or has the fields too far behind has none: such a request is drawn afresh, or
 * is of no configured segment, and counted.
 */
export function readBodyKey(
  req: IncomingMessage,
  prefix: Prefix,
  pointers: BodyPointers,
  inspectBytes: number,
): BodyKey {
  const { isComplete, decoded } = prefix
  const buffer = decoded === undefined ? wholeBody(prefix) : decoded
  if (buffer === null) {
    if (decoded === undefined) return { values: null, note: null }
    return {
      values: null,
      note: pointers.deciding === 0 ? 'analysis_unreadable' : 'key_unreadable',
    }
  }
  const jsonBytes = readJsonLength(req) ?? Infinity
  const length = Math.min(jsonBytes, buffer.length, inspectBytes)
  const scan = scanJson(buffer, length, pointers.all)
  const values = { pointers: pointers.all, values: scan.values }
  if (scan.status === 'found') return { values, note: null }
  const isDecided = !scan.values.slice(0, pointers.deciding).includes(null)
  if (isDecided) return { values, note: 'analysis_unreadable' }
  const isCut =
    scan.status === 'incomplete' && length < jsonBytes && !(isComplete && decoded === undefined)
  return { values, note: isCut ? 'body_over_inspect_limit' : 'key_unreadable' }
}

function readJsonLength(req: IncomingMessage): number | null {
  const header = req.headers[JSON_LENGTH_HEADER]
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null
}
