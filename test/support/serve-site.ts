// The example site behind a gateway, as its README asks for it.

import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startGateway } from './gateway.ts'
import { ROOT } from './paths.ts'

const SITE = join(ROOT, 'examples', 'site')
/** The document root of the site. */
export const SITE_ROOT: string = join(SITE, 'public')

/**
 * Puts a gateway in front of PHP.
 * @param backend The address of PHP.
 * @returns the URL, without a slash at its end
 */
export async function serveSite(t: TestContext, backend: string): Promise<string> {
  const sendFileRoots = { '/protected/': join(SITE, 'protected') }
  return (await startGateway(t, { root: SITE_ROOT, backend, sendFileRoots })).url
}
