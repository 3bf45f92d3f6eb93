import { pino, type Logger } from 'pino'

/** Creates the log of a process: a JSON object a line, with these fields in each. */
export function createLog(
  to: { readonly write: (text: string) => unknown },
  fields: Readonly<Record<string, unknown>> = {},
): Logger {
  const log = pino(
    {
      redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization'],
      serializers: { err: serializeError },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    { write: (text: string) => void to.write(text) },
  )
  return log.child(fields)
}

/** As pino does it, but a cause that the message tells already is not told again. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return Object.assign(pino.stdSerializers.err(error), { message: messageOf(error) })
}

function messageOf(error: Error): string {
  let said = error.message
  const seen = new Set<unknown>([error])
  for (let { cause } = error; cause instanceof Error && !seen.has(cause); { cause } = cause) {
    seen.add(cause)
    if (!said.includes(cause.message)) said += `: ${cause.message}`
  }
  return said
}
