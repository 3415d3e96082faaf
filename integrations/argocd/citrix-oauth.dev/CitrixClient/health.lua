-- Health of a CitrixClient. A failing refresh does not make it worse while the published token is good: the operator
-- repeats it by itself, and a sync must not wait for it.
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not looked at this version of the spec yet." }
end

local found = {}
for _, condition in ipairs(status.conditions or {}) do
  found[condition.type] = condition
end

local stalled, ready, failing = found.Stalled, found.Ready, found.RefreshFailed
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = stalled.reason .. ": " .. stalled.message }
end
if obj.spec and obj.spec.suspend then
  return { status = "Suspended", message = ready and ready.message or "No token is requested." }
end
if ready and ready.status == "True" then
  local message = ready.message
  if failing and failing.status == "True" then
    message = message .. " " .. failing.reason .. ": " .. failing.message
  end
  return { status = "Healthy", message = message }
end
if failing and failing.status == "True" then
  return { status = "Degraded", message = failing.reason .. ": " .. failing.message }
end
if ready and ready.status == "False" then
  return { status = "Degraded", message = ready.reason .. ": " .. ready.message }
end
return { status = "Progressing", message = ready and ready.message or "The operator has not told anything yet." }
