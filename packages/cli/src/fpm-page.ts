// The pages that php-fpm itself answers: ping and status. They are found by SCRIPT_NAME, and no script runs.

import type { FastCGIResponse, ParamPair, Pool } from '@fastcgi/client'
import { CgiResponseParser, type CgiHead } from '@fastcgi/client/http'

/** A whole answer, taken apart. */
export interface Page {
  readonly head: CgiHead
  readonly text: string
  readonly stderr: string
}

/** @param query Without `?`. @throws FastCGIError */
export async function fpmPage(
  pool: Pool,
  path: string,
  query: string,
  signal: AbortSignal,
): Promise<Page> {
  const params: ParamPair[] = [
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['REQUEST_METHOD', 'GET'],
    ['SCRIPT_NAME', path],
    ['SCRIPT_FILENAME', path],
    ['REQUEST_URI', query === '' ? path : `${path}?${query}`],
    ['QUERY_STRING', query],
    ['REDIRECT_STATUS', '200'],
  ]
  return pageOf(await pool.execute({ params }, { signal }))
}

/** @throws CgiResponseError */
export function pageOf(response: FastCGIResponse): Page {
  const parser = new CgiResponseParser()
  const bodyAt = parser.push(response.stdout)
  const head = parser.end()
  const text = new TextDecoder().decode(response.stdout.subarray(bodyAt))
  return { head, text, stderr: response.stderrText() }
}
