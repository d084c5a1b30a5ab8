// A program that starts a backend, says what it has started, and goes on until somebody kills it.

import process from 'node:process'
import { startPhp, type BackendKind } from '@fastcgi/php'
import { SITE, tracesOf } from './backend.ts'

const php = await startPhp({ root: SITE, backend: process.argv[2] as BackendKind })
console.log(JSON.stringify({ ...tracesOf(php), address: php.address }))
