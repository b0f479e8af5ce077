// The dictionary that SPDY/3 primes its header compression with (its specification, section 2.6.10.1).
#pragma once

#include <string_view>

namespace pintle::net {

extern const std::string_view spdy_dictionary;

}  // namespace pintle::net
