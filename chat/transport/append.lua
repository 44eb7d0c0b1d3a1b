-- Append a batch of events to each of many logs in one call: the round trip costs more than the work.
-- Each batch is appended whole or not at all, directly after the previous event and never after a terminal one.
--
-- KEYS     the logs
-- ARGV[1]  "create", "append", or "restore": the first event replaces all before it
-- ARGV[2]  seconds to expiry; "" keeps the current one
-- ARGV[3]  for "restore": the log's last number known to the caller, -1 without a log
-- then per log: its first number, the count of events, the events
--
-- Returns per log
--    1  appended, also if the log already ends with these events (an earlier reply was lost)
--    0  conflict: another writer was first
--   -1  gap: the log is lost, or lacks earlier events (Redis restarted with older data)
--    2  retry: Redis accepts nothing now (for example, out of memory)

local how, expiry, known = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function ends_with(log, first, at, count)
    local found = redis.call('XRANGE', log, string.format('%d-1', first), '+')
    if #found ~= count then return false end
    for i = 1, count do
        if found[i][2][2] ~= ARGV[at + i - 1] then return false end
    end
    return true
end

-- nil: append
local function obstacle(log, first, at, count)
    local found = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', 1)
    if found.err then return 2 end
    local last = found[1]
    local top = last and tonumber(string.match(last[1], '^%d+')) or -1
    if last and top >= first then return ends_with(log, first, at, count) and 1 or 0 end
    if how == 'restore' and top ~= known then return -1 end
    if not last then return how == 'append' and -1 or nil end
    local kind = string.match(last[2][2], '^{"type":"response%.(%a+)"')
    if how == 'create' or kind == 'completed' or kind == 'incomplete' or kind == 'failed' then return 0 end
    return how == 'append' and top < first - 1 and -1 or nil
end

local function append(log, first, at, count)
    for i = 0, count - 1 do
        local id = string.format('%d-1', first + i)
        local added = redis.pcall('XADD', log, id, 'event', ARGV[at + i])
        if type(added) == 'table' and added.err then
            -- to the client, which leaves a primary that became a replica
            if string.find(added.err, 'READONLY', 1, true) then error(added) end
            return 2
        end
    end
    if expiry ~= '' then redis.call('EXPIRE', log, expiry) end
    return 1
end

local at, outcomes = 4, {}
for i, log in ipairs(KEYS) do
    local first, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    outcomes[i] = obstacle(log, first, at + 2, count) or append(log, first, at + 2, count)
    at = at + 2 + count
end
return outcomes
