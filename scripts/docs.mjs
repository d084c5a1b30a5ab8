// The web site, from a fresh clone: installs and builds what is missing first.
//
//   npm run docs:dev     with reload, for those who write
//   npm run docs:build   into website/.vitepress/dist

import process from 'node:process'
import { site } from './lib/site.mjs'

const [script = 'build'] = process.argv.slice(2)
if (script === 'build' || script === 'dev') process.exitCode = await site(script)
else {
  console.error(`There are build and dev, not ${script}`)
  process.exitCode = 1
}
