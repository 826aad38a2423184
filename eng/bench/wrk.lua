-- Sends the bodies of the files in BENCH_BODY, which have colons between them, in turn, with key BENCH_KEY, and closes
-- with one line that a program can read.
local bodies = {}
for name in os.getenv("BENCH_BODY"):gmatch("[^:]+") do
  local file = assert(io.open(name, "rb"))
  bodies[#bodies + 1] = file:read("*a")
  file:close()
end
wrk.body = bodies[1]
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["anthropic-version"] = "2023-06-01"
wrk.headers["x-api-key"] = os.getenv("BENCH_KEY")

if #bodies > 1 then
  local requests, sent = {}, 0
  function init(args)
    for i, body in ipairs(bodies) do
      requests[i] = wrk.format(nil, nil, nil, body)
    end
  end

  function request()
    sent = sent + 1
    return requests[(sent - 1) % #requests + 1]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("\nRESULT %d %d %d %d\n", summary.requests, summary.duration,
    e.status, e.connect + e.read + e.write + e.timeout))
end
