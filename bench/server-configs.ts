import type { Work } from './works.ts'

/** What the configurations of foreign servers are made from. */
export type ServerPlace = {
  readonly port: number
  readonly upstreamPort: number
  readonly work: Work
}

/** nginx as a contender: one worker, keep-alive on both sides; long bodies and streams unbuffered. */
export function nginxProxyConfig({ port, upstreamPort, work }: ServerPlace): string {
  const isLong = work.stream !== null || work.answerBytes > 64 * 1024
  return nginxConfig(`
    client_max_body_size 64m; client_body_buffer_size 64k;
    upstream model { server 127.0.0.1:${upstreamPort}; keepalive ${work.upstreamConnections}; keepalive_requests 1000000000; keepalive_timeout 1h; }
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://model;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        ${isLong ? 'proxy_buffering off; proxy_request_buffering off;' : ''}
      }
    }`)
}

/** nginx as the upstream: the cheapest answer there is, so that the load's core keeps up. */
export function nginxUpstreamConfig(port: number, answer: string): string {
  return nginxConfig(`
    server {
      listen 127.0.0.1:${port};
      location / { default_type application/json; return 200 '${answer}'; }
    }`)
}

function nginxConfig(http: string): string {
  return `daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;
events { worker_connections 8192; }
http {
    access_log off;
    keepalive_requests 1000000000; keepalive_timeout 1h;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
${http}
}
`
}

/** HAProxy: one thread, connections to the upstream shared by all clients, no logs. */
export function haproxyConfig({ port, upstreamPort, work }: ServerPlace): string {
  return `global
    nbthread 1
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
    option forwardfor
    ${work.stream === null ? '' : 'option http-no-delay'}
frontend front
    bind 127.0.0.1:${port}
    default_backend model
backend model
    server model 127.0.0.1:${upstreamPort} pool-max-conn ${work.upstreamConnections}
`
}

/** Caddy: no admin API, no TLS, no access log; it is run with GOMAXPROCS=1. */
export function caddyConfig({ port, upstreamPort, work }: ServerPlace): string {
  return `{
    admin off
    auto_https off
    log {
        level ERROR
    }
}
http://127.0.0.1:${port} {
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:${upstreamPort} {
        transport http {
            keepalive_idle_conns ${work.upstreamConnections}
            keepalive_idle_conns_per_host ${work.upstreamConnections}
        }
    }
}
`
}
