/** A sentence of the gateway: what stands between back-ticks is a command. */
export function Sentence({ text }: { readonly text: string }) {
  return <>{text.split('`').map((part, i) => (i % 2 === 0 ? part : <code key={i}>{part}</code>))}</>
}
