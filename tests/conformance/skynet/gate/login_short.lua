-- One of the login servers of login_script.lua.
require "login_script" "short"
