import { executionAsyncResource } from 'node:async_hooks'

/** What V8 forgets unless something of its kind lives. */
let kept: object | null = null

/**
 * Has `process.nextTick` keep the speed that it can have. Call it before anything is hot.
 *
 * Node makes an object for each tick, in part with computed keys. V8 remembers the hidden class that an object had when
 * such a key came to it, once and for good: a second class, and the key is defined by a call of the runtime from then
 * on. Where a full collection finds no tick waiting, as while a large configuration is loaded, it drops their class,
 * and the next ticks have a new one. One tick that is kept keeps the class. See docs/adr/0012-fast-ticks.md.
 */
export function keepTicksFast(): void {
  process.nextTick(() => {
    kept ??= executionAsyncResource()
  })
}
