---@meta skynet.crypt

-- skynet's crypt functions, byte for byte. They exist for skynet's clients: the key exchange has
-- 64 bits and the cipher is DES, which keep nobody out who wants to get in.

---@class skynet.crypt
---@field padding { iso7816_4: integer, pkcs7: integer } for desencode and desdecode
local crypt = {}

--- 8 random bytes, not all zero.
---@return string
function crypt.randomkey() end

--- The public key of a private one.
---@param private_key string 8 bytes, not all zero
---@return string public_key 8 bytes
function crypt.dhexchange(private_key) end

---@param public_key string 8 bytes
---@param private_key string 8 bytes
---@return string secret 8 bytes
function crypt.dhsecret(public_key, private_key) end

---@param x string 8 bytes
---@param y string 8 bytes
---@return string mac 8 bytes
function crypt.hmac64(x, y) end

---@param x string 8 bytes
---@param y string 8 bytes
---@return string mac 8 bytes
function crypt.hmac64_md5(x, y) end

--- hmac64(hashkey(text), key).
---@param key string 8 bytes
---@param text string
---@return string mac 8 bytes
function crypt.hmac_hash(key, text) end

---@param text string
---@return string hash 8 bytes
function crypt.hashkey(text) end

--- DES in ECB mode.
---@param key string 8 bytes
---@param text string
---@param padding? integer of crypt.padding; iso7816_4 when left out
---@return string
function crypt.desencode(key, text, padding) end

--- Raises when the padding is wrong.
---@param key string 8 bytes
---@param text string
---@param padding? integer
---@return string
function crypt.desdecode(key, text, padding) end

---@param text string
---@return string
function crypt.base64encode(text) end

--- Raises for text that is no base64.
---@param text string
---@return string
function crypt.base64decode(text) end

---@param text string
---@return string
function crypt.hexencode(text) end

--- Raises for text that is no lower-case hex.
---@param text string
---@return string
function crypt.hexdecode(text) end

---@param text string
---@return string digest 20 bytes
function crypt.sha1(text) end

---@param key string
---@param text string
---@return string mac 20 bytes
function crypt.hmac_sha1(key, text) end

--- Each byte of the text xor that of the key, which repeats.
---@param text string
---@param key string not empty
---@return string
function crypt.xor_str(text, key) end

return crypt
