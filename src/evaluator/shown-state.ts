/**
 * A state as people are shown it, and as commands name it by its revision. Where another process decides (`follows`) that
 * is the stored one, which all processes have: what only waits here to be stored is not that one's.
 */
export function shownState<S extends { readonly revision: number }>(
  state: S,
  stored: S | null,
  follows: boolean,
): S {
  if (!follows || stored === null || stored.revision === state.revision) return state
  return { ...state, revision: stored.revision }
}
