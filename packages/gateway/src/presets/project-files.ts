// Files of a project, not of its site. They belong above the document root, and are often found in it all the same. What they tell is
// which packages, in which versions, somebody may look for holes in.

/** Patterns for `deny`. */
export const PROJECT_FILES: readonly string[] = [
  'composer.json',
  'composer.lock',
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'phpunit.xml',
  'phpunit.xml.dist',
  'phpstan.neon',
  // Rewrite rules for IIS, which most applications bring along.
  'web.config',
]
