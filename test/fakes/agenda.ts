type Task = { readonly at: number; readonly order: number; readonly run: () => void }

/** What will happen at known times: a binary heap, as a simulation has thousands of tasks waiting. */
export class Agenda {
  #heap: Task[] = []
  #count = 0

  add(at: number, run: () => void): void {
    const heap = this.#heap
    const task = { at, order: this.#count++, run }
    let index = heap.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(task, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = task
  }

  /** Runs what is due by now: the earliest first, those of one time in the order of their adding. */
  runUntil(now: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now) this.#take().run()
  }

  clear(): void {
    this.#heap = []
  }

  #take(): Task {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
