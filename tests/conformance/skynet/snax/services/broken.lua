-- A snax service that does not start.
function init()
	error "broken"
end
