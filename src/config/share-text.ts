/**
 * The same text as the one string that V8 keeps for the name of a property. What all services call alike is
 * then one string for all of them, and a header is found by identity instead of character by character.
 */
export function shareText(text: string): string {
  return Object.keys({ [text]: null })[0]!
}
