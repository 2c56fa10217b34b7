---@meta gatehouse.tables

-- Shared tables, for skynet.sharedata, skynet.sharetable and skynet.datasheet. Nothing here yields.

---@alias gatehouse.TableFace "sharedata"|"sharetable"|"datasheet"

---@class gatehouse.tables
local tables = {}

---@param face gatehouse.TableFace
---@param name string
---@param value table
---@param mode "new"|"replace"|"set" the name must not exist; it must; either
---@return true|nil, string? message, string? code
function tables.publish(face, name, value, mode) end

---@param face gatehouse.TableFace
---@param name string
---@return boolean # whether there was one
function tables.remove(face, name) end

---@param face gatehouse.TableFace
---@param name string
---@return table|nil
function tables.view(face, name) end

---@param face gatehouse.TableFace
---@param name string
---@param ... string|integer
---@return boolean exists, any value a plain copy of what is below the keys
function tables.copy(face, name, ...) end

---@param face gatehouse.TableFace
---@return string[]
function tables.names(face) end

--- What follows shows the newest versions now.
function tables.refresh() end

--- Tables of older versions become those of the newest, in place.
---@param face gatehouse.TableFace
---@param name string
function tables.renew(face, name) end

return tables
