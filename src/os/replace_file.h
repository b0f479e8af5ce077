// Writing files so that a reader sees the old content or the new, and so that nothing that lies at a name is written through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::os {

enum class Durability : uint8_t {
  Whole,   // a crash of the process leaves the old file or the new one
  Synced,  // a power cut too
};
// Replaces the file with exactly `mode`. The new content is written beside it, under a name that nobody can guess and that must not
// exist (no link is followed, no file is opened that lies there), then takes its name. On failure the old file stays. Blocks.
Result<Unit> replace_file(const std::string& path, std::string_view data, uint32_t mode, Durability durability);
// Makes a file that must not be there yet (AlreadyExists).
Result<Unit> create_file(const std::string& path, std::string_view data, uint32_t mode);

}  // namespace pintle::os
