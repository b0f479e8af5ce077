// `pintle check`, `pintle status` and `pintle uninstall`: what an operator does besides running a cluster.
#pragma once

#include <span>

namespace pintle::cmd {

int run_check(std::span<const char* const> args);
int run_status(std::span<const char* const> args);
int run_uninstall(std::span<const char* const> args);

}  // namespace pintle::cmd
