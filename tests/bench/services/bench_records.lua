-- Shares the records that bench_reader.lua reads.
local sharedata <const> = require "skynet.sharedata"
local sharetable <const> = require "skynet.sharetable"
local service <const> = require "bench_service"

local RECORDS <const> = 10000

local function records()
	local all <const> = {}
	for i = 1, RECORDS do
		all[i] = {
			id = 100000 + i,
			level = i % 100,
			price = i * 0.25,
			weight = i % 7,
			name = "a thing of a game " .. i,
			bound = i % 2 == 0,
			attack = i % 300,
			defence = i % 200,
		}
	end
	return all
end

local command <const> = {}

---@async
function command.share(library)
	if library == "sharedata" then
		sharedata.new("bench", records())
	else
		sharetable.loadtable("bench", records())
	end
end

service.serve(command)
