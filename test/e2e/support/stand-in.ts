import type { ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { startUpstream, type FakeUpstream, type SeenRequest } from '../../support/fake-upstream.ts'

/** How one version of a model behind a stand-in answers from now on; may be changed while it runs. */
export type VersionBehaviour = {
  /** Added to every prediction. */
  off: number
  /** Every so many answers one is a failure of the server; 0 = none. */
  failEvery: number
}

/** A server that speaks the protocol of a model server, as its documents describe it. */
export type StandIn = FakeUpstream & {
  /** By version. */
  readonly behaviour: Readonly<Record<string, VersionBehaviour>>
  /** Whether its readiness endpoints say so. */
  ready: boolean
}

/** What a protocol makes of a request. `fails`: counts, and tells whether this one is a failure of the version. */
export type Protocol = (
  request: SeenRequest,
  res: ServerResponse,
  server: StandIn,
  fails: (version: string) => boolean,
) => void

/** Starts a stand-in with these versions, all of them right and well; closed with the test. */
export async function startStandIn(
  t: Test,
  versions: readonly string[],
  protocol: Protocol,
): Promise<StandIn> {
  const counts: Record<string, number> = {}
  const fails = (version: string) => {
    counts[version] = (counts[version] ?? 0) + 1
    const { failEvery } = standIn.behaviour[version]!
    return failEvery > 0 && counts[version] % failEvery === 0
  }
  const upstream = await startUpstream((_req, res, seen) => {
    // Nothing looks at all of them, and there are many.
    if (upstream.seen.length > 50) upstream.seen.shift()
    protocol(seen, res, standIn, fails)
  })
  const standIn: StandIn = {
    ...upstream,
    behaviour: Object.fromEntries(versions.map((v) => [v, { off: 0, failEvery: 0 }])),
    ready: true,
  }
  t.teardown(upstream.close)
  return standIn
}

/** Answers JSON; text is sent as it stands, for tokens that JSON does not have. */
export function sendJson(res: ServerResponse, status: number, body: object | string): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  res.end(text)
}

/** The JSON of a request's body, or null where it is none; `NaN` and infinities are read as 0. */
export function readJson({ body }: SeenRequest): Record<string, unknown> | null {
  try {
    const text = body.toString().replace(/-?\b(?:NaN|Infinity)\b/g, '0')
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
}
