// Writes a payload into a volume so that a reader sees the old files or the new, never a mixture. Layout, as upstream's:
//   VOLUME/..2026_01_02_15_04_05.123456789/...   the files
//   VOLUME/..data                                a link to that directory; renamed over to switch
//   VOLUME/name                                  a link to ..data/name, for each first path element
// Blocks. One writer for a volume at a time; a crash in between leaves what the next write cleans up.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "kubelet/volumes/payload.h"
#include "rt/clock.h"

namespace pintle::kubelet::volumes {

struct AtomicWrite {
  std::string volume;  // an existing directory
  const Payload& payload;
  rt::WallTime now;                  // names the directory
  uint64_t random = 0;               // likewise
  std::optional<uint32_t> fs_group;  // who may read, before anyone sees it
};
// Whether anything changed.
Result<bool> write_payload(const AtomicWrite& write);

}  // namespace pintle::kubelet::volumes
