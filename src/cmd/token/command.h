// `pintle token`: bootstrap tokens.
#pragma once

#include <span>

namespace pintle::cmd {

// The arguments after "token"; the exit status.
int run_token(std::span<const char* const> args);

}  // namespace pintle::cmd
