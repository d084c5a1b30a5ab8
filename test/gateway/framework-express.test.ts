// PHP as a middleware of Express.

import express, { type ErrorRequestHandler } from 'express'
import { fastcgi } from '@fastcgi/gateway/express'
import { failedWith, frameworkContract, NOTHING } from '../support/framework-contract.ts'
import { listening } from '../support/web-listener.ts'

frameworkContract({
  name: 'Express',
  start: (t, options, at = '/') => {
    const app = express()
    app.use(at, fastcgi(options))
    app.use((_request, response) => void response.status(404).send(NOTHING))
    app.use(
      ((error: { status: number }, _request, response, _next) =>
        void response.status(error.status).send(failedWith(error.status))) as ErrorRequestHandler,
    )
    return listening(t, app)
  },
})
