require("skynet").sleep(1)
error "no such luck"
