/** The routes of a server, as they are added. */
export class RoutesByPath {
  readonly #routes: { readonly method: string; readonly parts: readonly string[] }[] = []

  /** `url` with its parameters: `/api/v1/services/:service`. HEAD, which GET brings along, is left out. */
  add(methods: string | readonly string[], url: string): void {
    for (const method of [methods].flat())
      if (method !== 'HEAD') this.#routes.push({ method, parts: url.split('/') })
  }

  /** The methods that a path takes, in alphabetical order; empty where there is no such path. */
  methodsOf(path: string): readonly string[] {
    const asked = path.split('/')
    const found = this.#routes.filter(
      ({ parts }) =>
        parts.length === asked.length &&
        parts.every((part, i) => part.startsWith(':') || part === asked[i]),
    )
    return [...new Set(found.map(({ method }) => method))].sort()
  }
}
