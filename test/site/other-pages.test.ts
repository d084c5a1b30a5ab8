// All pages but the guides as they are seen.

import { auditPages } from './audit.ts'

auditPages((path) => !/^(?:guide|frameworks)\//.test(path))
