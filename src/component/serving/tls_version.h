// The lowest TLS version of a port, as flags and configuration files name it.
#pragma once

#include <string_view>

#include "base/status.h"

namespace pintle::component {

// "VersionTLS12", "VersionTLS13", or "" for the default, 12: 12 or 13, as net::ServerTls has it. BadRequest for another, which names
// `setting`.
Result<int> parse_tls_min_version(std::string_view text, std::string_view setting);

}  // namespace pintle::component
