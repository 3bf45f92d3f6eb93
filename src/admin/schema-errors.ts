import type { FastifySchemaValidationError } from 'fastify/types/schema.js'

/** Writes what a schema found wrong with a body as one sentence that names the field. */
export function describeSchemaErrors(errors: readonly FastifySchemaValidationError[]): string {
  return errors.map(describe).join('; ')
}

/** Ajv adds the schema around the rule where it is told to be verbose. */
type VerboseError = FastifySchemaValidationError & {
  readonly parentSchema?: { readonly properties?: Readonly<Record<string, unknown>> }
}

/** The bounds that are numbers, in words. */
const BOUNDS: Readonly<Record<string, string>> = { minimum: 'at least', maximum: 'at most' }

function describe(error: VerboseError): string {
  const { keyword, instancePath, message, params, parentSchema } = error
  if (keyword === 'additionalProperties') {
    const known = Object.keys(parentSchema?.properties ?? {})
    const unknown = `unknown field ${JSON.stringify(params['additionalProperty'])}`
    return known.length === 0 ? unknown : `${unknown}; known: ${known.join(', ')}`
  }
  const field = instancePath.slice(1).replaceAll('/', '.')
  if (keyword in BOUNDS)
    return `${field} must be a number of ${BOUNDS[keyword]} ${String(params['limit'])}`
  // Of texts for people; it says more than the pattern would.
  if (keyword === 'pattern') return `${field} has a character that is not to be seen`
  return `${field === '' ? 'the body' : field} ${message ?? `breaks the rule ${keyword}`}`
}
