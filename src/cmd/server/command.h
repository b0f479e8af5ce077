// `pintle server` and `pintle agent`.
#pragma once

#include <span>

namespace pintle::cmd {

int run_server(std::span<const char* const> args);
int run_agent(std::span<const char* const> args);

}  // namespace pintle::cmd
