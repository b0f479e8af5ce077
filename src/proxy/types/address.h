// The addresses of base under the names that this folder uses.
#pragma once

#include "base/ip_address.h"

namespace pintle::proxy {

using Family = IpFamily;
using Address = IpAddress;
using Prefix = IpPrefix;

}  // namespace pintle::proxy
