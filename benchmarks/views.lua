-- Single views with ids of their own over 50 contents, as browsers send them.
local sent = 0
local run = os.time() * 1000

function request()
  sent = sent + 1
  local id = string.format("%08x-%04x-4%03x-8000-%012x", sent, run % 65536, math.random(0, 4095), run + sent)
  local body = string.format('{"post_id":%d,"event_id":"%s"}', sent % 50 + 1, id)
  local headers = {
    ["Content-Type"] = "application/json",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
  }
  return wrk.format("POST", "/api/view", headers, body)
end
