// Names the modules of the API as they are imported: `@fastcgi/client/http`, not by their folders.

import { Converter, ReflectionKind } from 'typedoc'

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const [folder, , door] = module.name.split('/')
      module.name = `@fastcgi/${folder}${door === undefined ? '' : `/${door}`}`
    }
  })
}
