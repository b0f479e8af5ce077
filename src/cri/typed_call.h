// The CRI's calls are typed as those of every service are.
#pragma once

#include "rpc/typed_call.h"

namespace pintle::cri {

using rpc::call;
using rpc::decode;
using rpc::encode;

}  // namespace pintle::cri
