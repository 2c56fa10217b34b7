-- require "skynet.error_text": an error value as a text. No metamethod of it runs, since one that
-- raises would end more than the function whose error it is.
---@param value any
---@return string
return function(value)
	if type(value) == "string" then
		return value
	end
	return type(value) == "number" and tostring(value) or "(error object is a " .. type(value) .. ")"
end
