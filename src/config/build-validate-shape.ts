// Writes validate-shape.cjs beside itself: the configuration's schema as code, so that no start has to compile it.
// Run by the build. As CommonJS, since ajv writes what the code needs of ajv as `require`.
import { writeFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import { buildShapeSchema } from './shape-schema.ts'

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  messages: false,
  discriminator: true,
  allowUnionTypes: true,
  strictRequired: false,
  // Each definition is to be a function of its own.
  inlineRefs: false,
  code: { source: true },
})
ajv.addSchema(buildShapeSchema(), 'shape')
const code = standalone.default(ajv, { validateShape: 'shape' })
writeFileSync(new URL('validate-shape.cjs', import.meta.url), code)
