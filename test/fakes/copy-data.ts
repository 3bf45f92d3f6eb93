/**
 * A copy of plain data that shares nothing with it. `structuredClone` does the same, at several times the cost, which is
 * much of what a simulation on a store in memory takes. What no store could write (a function, an instance of a class)
 * throws.
 */
export function copyData<T>(value: T): T {
  return copyAny(value) as T
}

function copyAny(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw notData(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyAny)
  if (value instanceof Map) {
    return new Map(Array.from(value, ([key, each]) => [copyAny(key), copyAny(each)]))
  }
  if (value instanceof Set) return new Set(Array.from(value, copyAny))
  if (ArrayBuffer.isView(value)) return structuredClone(value)
  return copyRecord(value as Record<string, unknown>)
}

function copyRecord(value: Record<string, unknown>): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw notData(value)
  const copy = { ...value }
  for (const key of Object.keys(copy)) copy[key] = copyAny(copy[key])
  return copy
}

function notData(value: unknown): TypeError {
  return new TypeError(`no plain data: ${String(value)}`)
}
