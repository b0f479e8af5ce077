// Packing a file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"

namespace pintle::os {

// Writes what is left of `from` as gzip into a file that must not be there yet (AlreadyExists), with exactly `mode`. On failure, and when
// `enough` says so (asked each 64 KiB; Cancelled), the new file is gone again. Blocks.
Result<Unit> gzip_file(int from, const std::string& to, uint32_t mode, const std::function<bool()>& enough = {});

}  // namespace pintle::os
