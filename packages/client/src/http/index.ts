// The door of the HTTP floor: conversion both ways between HTTP and CGI/1.1, and a fetch over any executor.

export { authorizerParams, readAuthorization, type Authorization } from './authorizer.ts'
export { cgiHead, requestFromParams } from './cgi-request.ts'
export {
  cgiParams,
  connectionParams,
  requestParams,
  scriptParams,
  siteParams,
  type CgiContext,
  type ConnectionContext,
  type HttpRequestParts,
  type ScriptContext,
} from './cgi-params.ts'
export { CgiResponseParser, MAX_HEADER_SIZE, type CgiHead } from './cgi-response.ts'
export { errorResponse, errorStatus } from './error-response.ts'
export { createFetch, type FetchHandler, type FetchOptions } from './fetch.ts'
export {
  headerParams,
  headerReader,
  type HeaderList,
  type HeaderParams,
  type HeaderPolicy,
  type HeaderReader,
} from './header-params.ts'
export { createHttpDispatch, type HttpDispatch } from './http-dispatch.ts'
export type { HttpHandler, HttpHead } from './http-exchange.ts'
export { checkRoot, decodePath, scriptFilename, splitScript, type ScriptPath } from './script.ts'
export type { FetchInfo, HttpRequest, SiteOptions } from './site.ts'
