// How the example site is served: `fcgi serve --config examples/site/fcgi.config.mjs`. Paths are relative to this file.

import { defineConfig } from '@fastcgi/gateway'

export default defineConfig({
  root: 'public',
  // Files that PHP alone hands out, by X-Accel-Redirect.
  sendFileRoots: { '/protected/': 'protected/' },
  static: { maxAge: 60 },
  // Shows failures where they happen. Not for a public server.
  development: true,
  php: true,
})
