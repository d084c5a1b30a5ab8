// The door to OpenTelemetry. The only part of this package that imports @opentelemetry/api, an optional peer.

export {
  FastCGIInstrumentation,
  type FastCGIInstrumentationConfig,
  type ObservedRequest,
} from './instrumentation.ts'
