#include "script/answer.hpp"

#include <utility>

namespace gatehouse::script {

actor::SendResult answer(actor::System& system, ServiceId service, std::int32_t session,
                         actor::MessagePtr values) {
  values->type = actor::MessageType::kResponse;
  values->session = session;
  values->source = service;
  values->destination = service;
  return system.send(std::move(values));
}

}  // namespace gatehouse::script
