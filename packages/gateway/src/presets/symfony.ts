// Symfony; the root is its folder `public`.

import type { SiteOptions } from '../options.ts'
import { PROJECT_FILES } from './project-files.ts'

// No `immutable`: Encore puts hashes into names only in production, and AssetMapper shares `/assets` with whatever else is there.
export const symfony: SiteOptions = {
  index: ['index.php'],
  // "Configuring a Web Server": `try_files $uri /index.php$is_args$args`, and a 404 for every other script.
  tryFiles: ['$path'],
  frontController: '/index.php',
  scripts: ['/index.php'],
  // Not `/config`, `/vendor` and the like: above the root they are folders, below it routes of somebody's application.
  deny: [...PROJECT_FILES, 'symfony.lock', '*.twig'],
}
