// Writes config/serin.schema.json anew: `node dist/config/write-schema.js` after a build.
import { writeFile } from 'node:fs/promises'
import { buildJsonSchema } from './json-schema.ts'

const target = new URL('../../config/serin.schema.json', import.meta.url)
await writeFile(target, `${JSON.stringify(buildJsonSchema(), null, 2)}\n`)
