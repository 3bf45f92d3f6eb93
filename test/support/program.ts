import { fileURLToPath } from 'node:url'

/** Path of `serin` as it is shipped: the bundle that `npm run compile:test` has made of the compiled sources. */
export const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
