// The default theme in colours and letters of its own, and the pictures of the guides.

import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme-without-fonts'
import KeptConnections from './pictures/KeptConnections.vue'
import OneRequest from './pictures/OneRequest.vue'
import Overview from './pictures/Overview.vue'
import ShortConnections from './pictures/ShortConnections.vue'
// oxlint-disable-next-line import/no-unassigned-import -- a style sheet
import './style.css'

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('KeptConnections', KeptConnections)
    app.component('OneRequest', OneRequest)
    app.component('Overview', Overview)
    app.component('ShortConnections', ShortConnections)
  },
}

export default theme
