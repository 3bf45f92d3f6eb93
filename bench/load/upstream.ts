/**
 * The upstream of long answers and of event streams: reads the whole request, then answers as the work says.
 * `?events=N&everyMs=MS` asks for another stream. `node upstream.js <port> <name of the work>`
 */
import { createServer, type ServerResponse } from 'node:http'
import { answerBody, findWork, streamEvent } from '../works.ts'

const [port, workName] = process.argv.slice(2)
const work = findWork(workName!)
const answer = Buffer.from(work.stream === null ? answerBody(work) : '')
const event = streamEvent(work.answerBytes)

const server = createServer((req, res) => {
  req.resume()
  req.once('end', () => {
    if (work.stream === null) {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
      res.end(answer)
      return
    }
    const query = new URL(req.url!, 'http://upstream').searchParams
    const events = Number(query.get('events') ?? work.stream.events)
    const everyMs = Number(query.get('everyMs') ?? work.stream.everyMs)
    sendEvents(res, events, everyMs)
  })
})
// A connection that is closed just as a request comes would be a failure that is nobody's.
server.keepAliveTimeout = 0
server.listen(Number(port), '127.0.0.1')

/** The first event at once, the end right behind the last one. */
function sendEvents(res: ServerResponse, events: number, everyMs: number): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(event)
  let sent = 1
  const timer = setInterval(() => {
    sent += 1
    if (sent < events) {
      res.write(event)
      return
    }
    clearInterval(timer)
    res.end(event)
  }, everyMs)
  res.once('close', () => clearInterval(timer))
}
