/** One server-sent event. */
export type ServerEvent = { readonly name: string; readonly data: string }

/**
 * Reads server-sent events from text that comes in pieces (WHATWG HTML, "event stream interpretation"): what is
 * not ended by an empty line yet is kept for the next piece.
 */
export class EventParser {
  /** The id of the last event that had one; null = none had. */
  lastId: string | null = null
  #rest = ''
  #name = ''
  #data: string[] = []

  /** Takes the next piece; gives the events that it ends. */
  push(piece: string): readonly ServerEvent[] {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop()!
    return lines.flatMap((line) => this.#readLine(line.replace(/\r$/, '')))
  }

  #readLine(line: string): readonly ServerEvent[] {
    if (line === '') return this.#dispatch()
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!
    if (field === 'event') this.#name = value!
    else if (field === 'data') this.#data.push(value!)
    else if (field === 'id') this.lastId = value!
    return []
  }

  #dispatch(): readonly ServerEvent[] {
    const event = { name: this.#name, data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#name = ''
    this.#data = []
    return isEmpty ? [] : [event]
  }
}
