// The Authorizer role (FastCGI 1.0, §6.3): a request without what concerns its body and its script, and an answer that either allows, with
// variables for whoever serves the request next, or is itself the response to the client.

import type { FastCGIResponse } from '../client/response.ts'
import { CgiResponseError } from '../errors.ts'
import { paramPairs, paramText, type ParamPair, type Params } from '../protocol/index.ts'
import { bytesOf } from './byte-string.ts'
import { CgiResponseParser, type CgiHead } from './cgi-response.ts'

/** What an Authorizer decided. */
export type Authorization =
  | {
      readonly allowed: true
      /** What it found out, by name, to be added to the params of the request: the `Variable-*` headers without their prefix. */
      readonly variables: ReadonlyMap<string, string>
    }
  | {
      readonly allowed: false
      /** Status and headers for the client. */
      readonly head: CgiHead
      readonly body: Uint8Array
    }

// §6.3: the web server does not send them to an Authorizer.
const NOT_FOR_AUTHORIZERS: ReadonlySet<string> = new Set([
  'CONTENT_LENGTH',
  'PATH_INFO',
  'PATH_TRANSLATED',
  'SCRIPT_NAME',
])
const VARIABLE = /^variable-(?=.)/i

/** The params of a request, without those that an Authorizer must not get. */
export function authorizerParams(params: Params): ParamPair[] {
  return paramPairs(params).filter(([name]) => !NOT_FOR_AUTHORIZERS.has(paramText(name)))
}

/**
 * Reads the answer of an Authorizer: status 200 allows, and nothing of it but its variables reaches anybody; any other status is the
 * response to the client.
 * @throws CgiResponseError when it is no CGI response.
 * @example
 * const answer = await pool.execute({ role: Role.Authorizer, params: authorizerParams(params) })
 * const authorization = readAuthorization(answer)
 * if (authorization.allowed) params.push(...authorization.variables)
 */
export function readAuthorization(answer: Pick<FastCGIResponse, 'stdout'>): Authorization {
  const parser = new CgiResponseParser()
  const bodyAt = parser.push(answer.stdout)
  const head = parser.end()
  if (head.status !== 200) return { allowed: false, head, body: answer.stdout.subarray(bodyAt) }
  const variables = new Map<string, string>()
  for (const [name, value] of head.headers) {
    if (!VARIABLE.test(name)) continue
    const variable = name.replace(VARIABLE, '')
    // Two values for what may be a user's name are no basis for a decision.
    if (variables.has(variable)) throw new CgiResponseError(`${name} is given twice`)
    // A header value is bytes, one a character; a param is text.
    variables.set(variable, paramText(bytesOf(value)))
  }
  return { allowed: true, variables }
}
