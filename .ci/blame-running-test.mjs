/**
 * An error that nobody catches fails the test that runs at that moment. Import it before anything of tap.
 *
 * Tap's own way follows every promise of the process with async hooks, from the test that made it to its collection as
 * garbage: a third of the time of suites that compute.
 */
import asyncHooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

const { createHook } = asyncHooks
asyncHooks.createHook = () => ({ enable: () => {}, disable: () => {} })
syncBuiltinESMExports()
const { default: root } = await import('tap')
asyncHooks.createHook = createHook
syncBuiltinESMExports()

/** Each begun inside of the one before it, or beside it. */
const running = new Set([root])
follow(root)
process.on('uncaughtException', (error) => blame(error, 'uncaughtException'))
process.on('unhandledRejection', (error) => blame(error, 'unhandledRejection'))

function follow(test) {
  test.on('subtestStart', (begun) => {
    running.add(begun)
    follow(begun)
  })
  test.on('subtestEnd', (ended) => running.delete(ended))
}

function blame(error, event) {
  // A suite that listens as well judges by itself.
  if (process.listenerCount(event) > 1) return
  ;[...running].at(-1).threw(error instanceof Error ? error : new Error(String(error)))
}
