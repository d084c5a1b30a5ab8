// Laravel; the root is its folder `public`.

import type { SiteOptions } from '../options.ts'
import { PROJECT_FILES } from './project-files.ts'

export const laravel: SiteOptions = {
  index: ['index.php'],
  // public/.htaccess, and the nginx configuration in "Deployment": everything goes to index.php, and no other script is an entrance.
  frontController: '/index.php',
  scripts: ['/index.php'],
  // `artisan storage:link` makes it: what users upload.
  noScripts: ['/storage/**'],
  deny: [
    ...PROJECT_FILES,
    // For a root that is the project by mistake. Not `/vendor`, where packages publish their assets, nor what may be a route.
    '/artisan',
    '/storage/logs/**',
    '/storage/framework/**',
    '*.blade.php',
  ],
  // Vite puts a hash of the content into the names below it.
  static: { immutable: ['/build/assets/**'] },
}
