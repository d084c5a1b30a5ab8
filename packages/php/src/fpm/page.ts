// The pages that php-fpm itself answers: ping and status. They are found by SCRIPT_NAME, and no script runs.

import type { Executor, FastCGIResponse, ParamPair } from '@fastcgi/client'
import { CgiResponseParser, type CgiHead } from '@fastcgi/client/http'

/** A whole answer, taken apart. */
export interface FpmPage {
  readonly head: CgiHead
  readonly text: string
  /** What came on stderr. */
  readonly stderr: string
}

/** Where a page is, and how long it may take. */
export interface FpmPageOptions {
  /** Ends the wait; whatever it was aborted with is thrown. @default none */
  readonly signal?: AbortSignal | undefined
  /** The most that the whole may take, in ms; 0 for no limit. @default that of the executor */
  readonly requestTimeout?: number | undefined
}

/**
 * Asks for a page.
 * @param path As `pm.status_path` or `ping.path` say it.
 * @param query Without `?`. @default none
 * @throws FastCGIError when nothing answers, CgiResponseError on an answer without a head.
 */
export async function fpmPage(
  executor: Executor,
  path: string,
  query = '',
  options: FpmPageOptions = {},
): Promise<FpmPage> {
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
  return pageOf(await executor.execute({ params }, given(options)))
}

/** Takes an answer apart. @throws CgiResponseError on one without a head. */
export function pageOf(response: FastCGIResponse): FpmPage {
  const parser = new CgiResponseParser()
  const bodyAt = parser.push(response.stdout)
  const head = parser.end()
  const text = new TextDecoder().decode(response.stdout.subarray(Math.max(bodyAt, 0)))
  return { head, text, stderr: response.stderrText() }
}

/** The options of a request, without those that nobody gave. */
export function given({ signal, requestTimeout }: FpmPageOptions): FpmPageOptions {
  return {
    ...(signal !== undefined && { signal }),
    ...(requestTimeout !== undefined && { requestTimeout }),
  }
}
