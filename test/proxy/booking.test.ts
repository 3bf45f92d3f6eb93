import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import { Booking, type AnswerRemains } from '../../src/proxy/booking.ts'
import { PredictionReader } from '../../src/proxy/observe.ts'
import { Trace } from '../../src/proxy/trace.ts'
import { FakeRecorder } from '../support/fake-recorder.ts'

const DRAWN: Assignment = {
  ...{ variant: 'canary', reason: 'random', unit: null, suppressed: false },
  ...{ keyMissing: false, overrideRefused: false },
}

const STREAM: AnswerRemains = {
  ...{ status: 200, isEventStream: true, copy: null, copiedBytes: 0, tail: null },
}

/** Whether a client that leaves an answer, whose last part came so long ago, has stopped it. */
function isStopped(answer: AnswerRemains | null, agoMs: number | null) {
  const recorder = new FakeRecorder()
  const ticket = recorder.begin(DRAWN, 'r', 0, false)
  const booking = new Booking(recorder, ticket, { reads: null, streamError: null, isKept: false })
  const clock = { now: () => 0, monotonic: () => 0 }
  booking.head(50_000, 'ok')
  if (agoMs !== null) booking.chunk(clock, 100_000 - agoMs)
  const [trace, reader] = [new Trace(0), new PredictionReader()]
  booking.close('client_closed', 200, trace, 100_000, answer, reader, 'SERIN_CLIENT_CLOSED')
  return recorder.ends[0]!.stopped
}

t.test('who leaves a stream of events that comes has stopped it', (t) => {
  t.equal(isStopped(STREAM, 20), true)
  t.equal(isStopped(STREAM, 4999), true)
  t.equal(isStopped(STREAM, 5000), false, 'it has said nothing for too long')
  t.equal(isStopped(STREAM, null), false, 'it has said nothing yet')
  t.equal(isStopped({ ...STREAM, isEventStream: false }, 20), false, 'half an answer is none')
  t.equal(isStopped({ ...STREAM, status: 503 }, 20), false)
  t.equal(isStopped(null, null), false, 'there is no answer')
  t.end()
})
