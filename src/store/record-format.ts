/**
 * What a value in a record begins with. Below `DOUBLE`: the value itself, an integer of 0–63. From `WORD` on: the
 * word at that place of `RECORD_WORDS`. Numbers are little-endian; a length is a number as any other.
 */
export const TAG = {
  /** Eight bytes. */
  DOUBLE: 64,
  /** A signed integer in four bytes. */
  INT32: 65,
  NULL: 66,
  UNDEFINED: 67,
  TRUE: 68,
  FALSE: 69,
  /** A length, then so many values. */
  ARRAY: 70,
  /** A key, which is a string, and its value, as often as there are any; then `END`. */
  OBJECT: 71,
  END: 72,
  /** A length, then so many doubles. */
  FLOATS: 73,
  /** A length, then so many characters of one byte each, all of ASCII. */
  ASCII: 74,
  /** A length, then so many units of UTF-16. */
  WIDE: 75,
  /** A length, then so many bytes of V8's serializer: for what is rare, as a `Map`. */
  OTHER: 76,
  WORD: 128,
} as const
