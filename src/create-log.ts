import { pino, type Logger } from 'pino'

/** Creates the log of a process: a JSON object a line, with these fields in each. */
export function createLog(
  to: { readonly write: (text: string) => unknown },
  fields: Readonly<Record<string, unknown>> = {},
): Logger {
  const log = pino(
    {
      redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization'],
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    { write: (text: string) => void to.write(text) },
  )
  return log.child(fields)
}
