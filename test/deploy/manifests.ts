import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** Where the deployments lie, from the root of the project. */
export const DEPLOY = 'config/deploy'

/** A Kubernetes object, as far as these tests look into it. */
export type Manifest = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly selector?: Readonly<Record<string, unknown>>
    readonly ports?: readonly { readonly targetPort: string }[]
    readonly template?: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec }
  }
}

export type PodSpec = {
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly containers: readonly Container[]
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { name: string } }[]
}

export type Container = {
  readonly name: string
  readonly image: string
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly envFrom?: readonly { readonly secretRef: { readonly name: string } }[]
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: string[] } } }
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
}

type Probe = {
  readonly periodSeconds: number
  readonly failureThreshold?: number
  readonly httpGet?: { readonly path: string; readonly port: string }
  readonly tcpSocket?: { readonly port: string }
}

/** The text of a file of a deployment. */
export function readDeploy(...path: readonly string[]): string {
  return readFileSync(join(DEPLOY, ...path), 'utf8')
}

/** All objects of a YAML file; throws where it is none. */
export function readObjects(...path: readonly string[]): readonly unknown[] {
  return parseAllDocuments(readDeploy(...path)).map((document) => {
    const [error] = document.errors
    if (error !== undefined) throw error
    return document.toJS() as unknown
  })
}
