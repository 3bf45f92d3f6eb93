import { OTHER_SEGMENT, type FieldSource, type SegmentSpec } from '../domain/service.ts'
import { toByteString } from './byte-string.ts'
import { readField, type RequestFields } from './fields.ts'

/** How requests are told apart. */
export type Segmentation = {
  readonly from: FieldSource
  /** Every segment's name by its byte string. */
  readonly names: ReadonlyMap<string, string>
}

/** Prepares the segments of a service; null where it has none. */
export function buildSegmentation(spec: SegmentSpec | undefined): Segmentation | null {
  if (spec === undefined) return null
  return { from: spec.from, names: new Map(spec.values.map((v) => [toByteString(v), v])) }
}

/**
 * The segment of a request: the configured value that its field has, compared byte by byte, else `other`
 * (the field is absent, cannot be read, or has another value). Null without a segmentation.
 */
export function readSegment(
  segmentation: Segmentation | null,
  fields: RequestFields,
): string | null {
  if (segmentation === null) return null
  const value = readField(fields, segmentation.from)
  return (value === null ? undefined : segmentation.names.get(value)) ?? OTHER_SEGMENT
}
