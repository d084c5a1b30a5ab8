// The example site on embedded PHP, as on a machine without any PHP.

import { startPhp } from '@fastcgi/php'
import { SITE_ROOT, serveSite } from '../support/serve-site.ts'
import { siteContract } from '../support/site-contract.ts'

siteContract('embedded PHP', async (t) => {
  const php = await startPhp({ root: SITE_ROOT, backend: 'embedded' })
  t.after(() => php.close())
  return { url: await serveSite(t, php.address), backend: 'embedded PHP', seesAborts: false }
})
