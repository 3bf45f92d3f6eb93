import { checkGateway } from './check-gateway.ts'
import { checkMatches } from './check-match.ts'
import { checkService } from './check-service.ts'
import type { Checker } from './checker.ts'

/** Checks what a schema cannot say: how the parts of a file must fit together. */
export function checkConfig(checker: Checker): void {
  checkGateway(checker)
  checkMatches(checker)
  for (const name of checker.keys(['services'])) checkService(checker, ['services', name])
}
