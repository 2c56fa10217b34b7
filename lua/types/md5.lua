---@meta md5

-- Lua's md5 library (docs/skynet-rules.md 1.11). For compatibility: neither MD5 nor the cipher
-- keeps secrets.

---@class md5
local md5 = {}

---@param text string
---@return string # 16 bytes
function md5.sum(text) end

---@param text string
---@return string # 32 digits
function md5.sumhexa(text) end

--- HMAC (RFC 2104).
---@param text string
---@param key string
---@return string # 32 digits
function md5.hmacmd5(text, key) end

--- The bytes of two equally long strings, XORed.
---@param a string
---@param b string
---@return string
function md5.exor(a, b) end

---@param text string
---@param key string 256 bytes at most
---@param seed? string 16 bytes at most; random when left out
---@return string
function md5.crypt(text, key, seed) end

--- What crypt encrypted; raises "invalid cyphered string".
---@param bytes string
---@param key string
---@return string
function md5.decrypt(bytes, key) end

return md5
