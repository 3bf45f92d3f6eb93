/** Connections that a forwarder keeps open to the upstream; the same for every contender. */
export const UPSTREAM_CONNECTIONS = 64

/** nginx as a contender: one worker, keep-alive on both sides. */
export function nginxProxyConfig(port: number, upstreamPort: number): string {
  return config(`
    upstream model { server 127.0.0.1:${upstreamPort}; keepalive ${UPSTREAM_CONNECTIONS}; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://model;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      }
    }`)
}

/** nginx as the upstream: the cheapest answer there is, so that the load's core keeps up. */
export function nginxUpstreamConfig(port: number, answer: string): string {
  return config(`
    server {
      listen 127.0.0.1:${port};
      location / { default_type application/json; return 200 '${answer}'; }
    }`)
}

function config(http: string): string {
  return `daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
${http}
}
`
}
