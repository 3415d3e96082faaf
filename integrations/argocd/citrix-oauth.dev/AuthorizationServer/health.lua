-- Health of an AuthorizationServer: whether the operator understands it.
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Accepted" and condition.observedGeneration == obj.metadata.generation then
    if condition.status == "True" then
      return { status = "Healthy", message = condition.message }
    end
    return { status = "Degraded", message = condition.reason .. ": " .. condition.message }
  end
end
return { status = "Progressing", message = "The operator has not judged this version of the spec yet." }
