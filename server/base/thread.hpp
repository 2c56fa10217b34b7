// The calling thread.
#pragma once

namespace gatehouse {

// Lets the calling thread give way to others: adds to its niceness (above 0). What the system
// refuses is left as it is.
void lower_thread_priority(int nice);

}  // namespace gatehouse
