// The answer to a coroutine that waits for something outside of its VM (Scheduler::await_reply): a
// response of its service to itself, made and sent without a Lua state. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "actor/message.hpp"
#include "actor/system.hpp"
#include "script/codec.hpp"

namespace gatehouse::script {

// One value of an answer, packed as pack() does.
void pack_boolean(PackBuffer& buffer, bool value);
void pack_string(PackBuffer& buffer, std::string_view value);

actor::SendResult answer(actor::System& system, ServiceId service, std::int32_t session,
                         actor::MessagePtr values = actor::make_message(std::size_t{0}));

}  // namespace gatehouse::script
