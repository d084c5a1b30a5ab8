// Every page of the web site, dark: a file of its own, because a file of tests has two minutes.

import { auditPages } from './audit.ts'

auditPages('dark')
