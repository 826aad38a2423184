using Penstock.Bench.Wire;

namespace Penstock.Bench.Processes;

/// <summary>The two nginx set-ups: the constant upstream and the reverse proxy, each one worker.</summary>
internal static class NginxConfig
{
    private const string Frame = """
        daemon off; worker_processes 1; pid pid; error_log error.log;
        events { worker_connections 16384; }
        http {
          access_log off; default_type application/json;
          keepalive_requests 100000000; keepalive_timeout 600s;
          client_max_body_size 32m; client_body_buffer_size 1m;
          client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
        """;

    /// <summary>
    /// Answers every request with a constant, without reading the body; short posts are probes and get 400.
    /// </summary>
    public static string Constant(int port) => Frame + $$"""

          map $content_length $probe { default 0; "~^[0-9]{1,2}$" 1; }
          server {
            listen 127.0.0.1:{{port}} backlog=4096;
            if ($probe) { return 400 '{{Answers.BadRequest}}'; }
            location = /v1/messages { return 200 '{{Answers.Messages}}'; }
            location = /v1/chat/completions { return 200 '{{Answers.Chat}}'; }
            location = /v1/models { return 200 '{{Answers.Models}}'; }
            location = /version { return 200 '{{Answers.Version}}'; }
            location = /metrics { default_type text/plain; return 200 '{{Answers.Metrics}}'; }
            location = /health { return 200; }
            location / { return 404 '{{Answers.NotFound}}'; }
          }
        }
        """;

    /// <summary>A plain reverse proxy with kept upstream connections and no response buffering.</summary>
    public static string Proxy(int port, int upstreamPort) => Frame + $$"""

          upstream engine { server 127.0.0.1:{{upstreamPort}}; keepalive 1024; keepalive_requests 100000000; }
          server {
            listen 127.0.0.1:{{port}} backlog=4096;
            location / {
              proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection "";
              proxy_set_header Authorization "Bearer sk-upstream";
              proxy_buffering off; proxy_read_timeout 600s;
            }
          }
        }
        """;
}
