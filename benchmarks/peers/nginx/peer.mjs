// nginx, one worker: once as it is advised for speed (connections to the backend are kept), once as it comes.

import { installedPeer, writeConfig } from '../installed.mjs'

const PARAMS = {
  QUERY_STRING: '$query_string',
  REQUEST_METHOD: '$request_method',
  CONTENT_TYPE: '$content_type',
  CONTENT_LENGTH: '$content_length',
  SCRIPT_FILENAME: '$document_root$fastcgi_script_name',
  SCRIPT_NAME: '$fastcgi_script_name',
  REQUEST_URI: '$request_uri',
  DOCUMENT_URI: '$document_uri',
  DOCUMENT_ROOT: '$document_root',
  SERVER_PROTOCOL: '$server_protocol',
  REQUEST_SCHEME: '$scheme',
  GATEWAY_INTERFACE: 'CGI/1.1',
  SERVER_SOFTWARE: 'nginx/$nginx_version',
  REMOTE_ADDR: '$remote_addr',
  REMOTE_PORT: '$remote_port',
  SERVER_ADDR: '$server_addr',
  SERVER_PORT: '$server_port',
  SERVER_NAME: '$server_name',
  REDIRECT_STATUS: '200',
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** @param {import('../../lib/server-subject.mjs').Site} site @param {boolean} keep */
function configuration({ port, root, backend, folder }, keep) {
  return `
daemon off;
pid ${folder}/nginx.pid;
error_log stderr error;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  ${TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  upstream php { server unix:${backend}; ${keep ? 'keepalive 64; keepalive_requests 1000000000;' : ''} }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    server_name www.example.org;
    root ${root};
    index index.php;
    location / { try_files $uri $uri/ /index.php$is_args$args; }
    location ~ \\.php$ {
      try_files $uri =404;
      fastcgi_pass php;
      fastcgi_keep_conn ${keep ? 'on' : 'off'};
      ${Object.entries(PARAMS)
        .map(([name, value]) => `fastcgi_param ${name} ${value};`)
        .join('\n      ')}
    }
  }
}
`
}

/** @param {string} id @param {string} title @param {boolean} keep */
function nginx(id, title, keep) {
  return installedPeer({
    id,
    title,
    names: ['nginx'],
    package: 'nginx-light',
    versionArgs: ['-v'],
    start: (site) => ({
      args: [
        '-p',
        site.folder,
        '-c',
        writeConfig(site.folder, 'nginx.conf', configuration(site, keep)),
      ],
    }),
  })
}

export const nginxKeep = nginx('nginx-keep', 'nginx, keep-alive', true)
export const nginxDefault = nginx('nginx', 'nginx, default', false)
