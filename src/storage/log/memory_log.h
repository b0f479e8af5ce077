// A RevisionLog in memory.
#pragma once

#include <memory>

#include "storage/log/revision_log.h"

namespace pintle::storage {

std::unique_ptr<RevisionLog> make_memory_log();

}  // namespace pintle::storage
