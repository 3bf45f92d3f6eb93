/** Where a Node contender listens, where it forwards to, and how many connections it may keep there. */
export const place = readPlace(process.argv.slice(2))

function readPlace([port, upstreamPort, connections]: readonly string[]) {
  return {
    port: Number(port),
    upstream: `http://127.0.0.1:${upstreamPort}`,
    upstreamPort: Number(upstreamPort),
    connections: Number(connections),
  }
}
