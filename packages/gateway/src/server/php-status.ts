// What php-fpm says of itself, for /status.

import { executeOnce } from '@fastcgi/client'

const PATIENCE = 1000

/** php-fpm's status page as data; `'busy'` when no worker has time to give it. */
export async function phpStatus(address: string, path: string): Promise<unknown> {
  const params = {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: path,
    SCRIPT_FILENAME: path,
    QUERY_STRING: 'json',
  }
  try {
    const { stdout } = await executeOnce(
      address,
      { params },
      { connectTimeout: PATIENCE, headersTimeout: PATIENCE },
    )
    const text = new TextDecoder().decode(stdout)
    return JSON.parse(text.slice(text.search(/\r?\n\r?\n/))) as unknown
  } catch (error) {
    if (error instanceof Error && 'phase' in error) return 'busy'
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
