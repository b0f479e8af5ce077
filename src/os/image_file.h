// Files of a fixed size of which only what was written takes space. Each call blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"

namespace pintle::os {

// Makes the file, all zeros. AlreadyExists if it is there.
Result<Unit> make_image(const std::string& path, uint64_t size_bytes);
// Never smaller; durable.
Result<Unit> grow_image(const std::string& path, uint64_t size_bytes);
// A new file with what `source` has: the same blocks where the file system shares them, else copied without the holes; durable.
// `enough`, asked now and then, ends it early with Timeout. On failure there is no such file.
Result<Unit> clone_image(const std::string& source, const std::string& target, const std::function<bool()>& enough);
// Whether files in the directory can share blocks, so that clone_image() takes no time and no space.
bool can_share_blocks(const std::string& directory);

}  // namespace pintle::os
