-- What the kernel knows of this process.
local M <const> = {}

local PAGE_KIB <const> = 4

local function read_line(path)
	local file <const> = io.open(path)
	if file == nil then
		return nil -- a thread that ended
	end
	local line <const> = file:read "l"
	file:close()
	return line
end

local function schedstat_files()
	local folder <const> = "/proc/" .. read_line("/proc/self/stat"):match "^%d+" .. "/task/"
	local files <const> = {}
	local list <close> = assert(io.popen("ls " .. folder))
	for thread in list:lines() do
		files[#files + 1] = folder .. thread .. "/schedstat"
	end
	return files
end

--- A clock of the CPU time that the threads of now will have used, in nanoseconds.
---@return fun(): integer
function M.cpu_clock()
	local files <const> = schedstat_files()
	return function()
		local sum_ns = 0
		for _, path in ipairs(files) do
			sum_ns = sum_ns + math.tointeger((read_line(path) or "0"):match "^%d+")
		end
		return sum_ns
	end
end

--- Memory of the process that is in RAM.
---@return integer
function M.resident_kib()
	return math.tointeger(read_line("/proc/self/statm"):match "^%d+ (%d+)") * PAGE_KIB
end

return M
