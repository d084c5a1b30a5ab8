// PHP and Vite on one origin: pages that reload when PHP changes, and PHP's errors over the page.
//
//   npx vite examples/vite              the dev server; PHP is found or started
//   npx vite build examples/vite        what production gets, into public/build
//   npx vite preview examples/vite      the build, with PHP

import { php } from '@fastcgi/gateway/vite'

export default {
  plugins: [php({ root: 'public' })],
  build: {
    outDir: 'public/build',
    manifest: true,
    rolldownOptions: { input: 'src/main.js' }, // rollupOptions in Vite 7
  },
}
