/** Connections on their way to another process: none is settled twice. */
export class HandedOver {
  readonly #onTheWay = new Map<number, (taken: boolean) => void>()
  #last = 0

  /** One more is sent; `taken` resolves when it is known whether it has come. */
  begin(): { readonly id: number; readonly taken: Promise<boolean> } {
    const id = ++this.#last
    return { id, taken: new Promise((resolve) => this.#onTheWay.set(id, resolve)) }
  }

  settle(id: number, taken: boolean): void {
    this.#onTheWay.get(id)?.(taken)
    this.#onTheWay.delete(id)
  }

  settleAll(taken: boolean): void {
    for (const id of [...this.#onTheWay.keys()]) this.settle(id, taken)
  }
}
