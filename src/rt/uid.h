// Unique identifiers, of objects and of requests.
#pragma once

#include <string>

#include "rt/clock.h"

namespace pintle::rt {

std::string new_uid(Random& random);  // RFC 4122, version 4

}  // namespace pintle::rt
