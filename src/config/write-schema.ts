// Writes config/serin.schema.json anew: `npm run docs:schema`.
import { writeFile } from 'node:fs/promises'
import { buildJsonSchema } from './json-schema.ts'

const target = new URL('../../config/serin.schema.json', import.meta.url)
await writeFile(target, `${JSON.stringify(buildJsonSchema(), null, 2)}\n`)
