---@meta client.crypt

-- Another name of skynet.crypt.
return require "skynet.crypt"
