// The content of a simulated file and the writes that a power cut may undo.
#pragma once

#include <string>
#include <vector>

#include "rt/sim/faults.h"
#include "rt/sim/sim_disk.h"
#include "rt/sim/sim_random.h"

namespace pintle::rt {

struct SimDisk::Inode {
  bool directory = false;
  uint32_t mode = 0644;
  WallTime modified;
  std::string data;

  void write(uint64_t offset, std::string_view bytes);
  void truncate(uint64_t size);
  void sync() { unsynced_.clear(); }
  void power_cut(SimRandom& random, const DiskPlan& plan);

 private:
  // One write or truncation: what it replaced, from `offset` to the end of the file or of the write.
  struct Change {
    uint64_t offset;
    std::string before;
    uint64_t size_before;
    std::string after;
    uint64_t size_after;
  };
  void undo(const Change& change);
  void redo(const Change& change, SimRandom& random, bool torn);
  std::vector<Change> unsynced_;
};

}  // namespace pintle::rt
