-- Keep the first result of a step, while the response's log lives.
--
-- KEYS     the log, the steps
-- ARGV     the step's name, its result, bytes that all results may have
--
-- Returns the kept result, which another attempt may have written; false if there is no room

local log, steps, name, result, most = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local kept = redis.call('HGET', steps, name)
if kept then return kept end
local left_ms = redis.call('PTTL', log)
if left_ms < 0 then return result end -- no later attempt asks for it
local bytes = #result
for _, other in ipairs(redis.call('HKEYS', steps)) do
    bytes = bytes + redis.call('HSTRLEN', steps, other)
end
if bytes > most then return false end
redis.call('HSET', steps, name, result)
redis.call('PEXPIRE', steps, left_ms)
return result
