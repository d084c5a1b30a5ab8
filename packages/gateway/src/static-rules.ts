// How the files of a site are sent.

export interface StaticRules {
  readonly precompressed: boolean
}
