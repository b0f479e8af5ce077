// What a failure says of the answer that it was read from.
#pragma once

#include <string_view>

namespace pintle::client {

// The type of a cause of a Status that was made here, of an answer that was none: what the answer said is the cause's message. client-go's.
inline constexpr std::string_view bare_answer_cause = "UnexpectedServerResponse";

}  // namespace pintle::client
