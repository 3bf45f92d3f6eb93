/** What the store asks of a logger; pino's has it. */
export type StoreLog = {
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
}
