-- A snax service that is a folder, with a module of its own.
local part <const> = require "part"

function response.part()
	return part.name, SERVICE_NAME
end
