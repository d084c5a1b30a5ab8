// The example site on php-fpm.

import { startFpm } from '../support/fpm.ts'
import { serveSite } from '../support/serve-site.ts'
import { siteContract } from '../support/site-contract.ts'

siteContract('php-fpm', async (t) => {
  const { address } = await startFpm(t, { workers: 3 })
  return { url: await serveSite(t, address), backend: 'php-fpm', seesAborts: true }
})
