// The guides as they are seen: a file of its own, because files run side by side.

import { auditPages } from './audit.ts'

auditPages((path) => /^(?:guide|frameworks)\//.test(path))
