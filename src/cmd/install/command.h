// `pintle install server|agent FLAGS`: the binary and a unit of systemd that runs it with these flags.
#pragma once

#include <span>

namespace pintle::cmd {

int run_install(std::span<const char* const> args);

}  // namespace pintle::cmd
