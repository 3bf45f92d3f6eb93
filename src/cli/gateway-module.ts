import type { createGateway } from '../gateway.ts'

/** What `serve` needs of the composition root, which is loaded only when it is. */
export type GatewayModule = { readonly createGateway: typeof createGateway }
