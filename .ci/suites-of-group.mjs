/**
 * Runs compiled suites in one process, one after the other (or one alone), as one program of tap:
 * `SUITES='["build/test/a.test.js", …]' node .ci/suites-of-group.mjs NAME`.
 * Tap names the folder of fixtures after NAME, so that groups which run at once have their own.
 */
import './blame-running-test.mjs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

for (const file of JSON.parse(process.env.SUITES)) await import(pathToFileURL(resolve(file)).href)
