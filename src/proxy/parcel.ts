import type { IncomingMessage } from 'node:http'
import type { Ticket } from '../metrics/recorder.ts'
import type { AnswerWatch } from './booking.ts'
import type { ServiceRuntime } from './service-runtime.ts'
import type { Trace } from './trace.ts'
import type { UploadStream } from './upload-stream.ts'

/** What is delivered. */
export type Parcel = {
  readonly runtime: ServiceRuntime
  readonly req: IncomingMessage
  readonly requestId: string
  /** Null = none. */
  readonly body: Buffer | UploadStream | null
  readonly ticket: Ticket
  /** What becomes of its answer. */
  readonly watch: AnswerWatch
  readonly trace: Trace
}
