// Writes validate-shape.mjs beside itself: the configuration's schema as code, so that no start has to compile it.
// Run by the build.
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
  code: { source: true, esm: true },
})
// Not asked, but told of.
ajv.addVocabulary(['keys'])
ajv.addSchema(buildShapeSchema(), 'shape')
const code = standalone.default(ajv, { validateShape: 'shape' })
// What the code needs of ajv it requires, whatever kind of module it is. As CommonJS it would be read twice by Node.
const require = `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)`
writeFileSync(new URL('validate-shape.mjs', import.meta.url), `${require}\n${code}`)
