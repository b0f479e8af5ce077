#include "rt/sim/sim_inode.h"

#include <algorithm>

namespace pintle::rt {

namespace {
// The disk writes this much at once or not at all.
constexpr uint64_t sector_bytes = 512;
}  // namespace

void SimDisk::Inode::write(uint64_t offset, std::string_view bytes) {
  Change change{offset, {}, data.size(), std::string(bytes), std::max<uint64_t>(data.size(), offset + bytes.size())};
  if (offset < data.size()) change.before = data.substr(offset, bytes.size());
  data.resize(change.size_after);
  data.replace(offset, bytes.size(), bytes);
  unsynced_.push_back(std::move(change));
}

void SimDisk::Inode::truncate(uint64_t size) {
  Change change{std::min<uint64_t>(size, data.size()), {}, data.size(), {}, size};
  change.before = data.substr(change.offset);
  data.resize(size);
  unsynced_.push_back(std::move(change));
}

void SimDisk::Inode::undo(const Change& change) {
  data.resize(std::max<uint64_t>(change.size_before, change.offset + change.before.size()));
  data.replace(change.offset, change.before.size(), change.before);
  data.resize(change.size_before);
}

void SimDisk::Inode::redo(const Change& change, SimRandom& random, bool torn) {
  if (change.after.empty()) {
    data.resize(change.size_after);
    return;
  }
  uint64_t at = 0;
  while (at < change.after.size()) {
    const uint64_t to_sector_end = sector_bytes - (change.offset + at) % sector_bytes;
    const uint64_t n = std::min<uint64_t>(to_sector_end, change.after.size() - at);
    if (!torn || random.below(2) == 0) {
      if (data.size() < change.offset + at + n) data.resize(change.offset + at + n);
      data.replace(change.offset + at, n, change.after, at, n);
    }
    at += n;
  }
}

void SimDisk::Inode::power_cut(SimRandom& random, const DiskPlan& plan) {
  for (auto change = unsynced_.rbegin(); change != unsynced_.rend(); ++change) undo(*change);
  for (const Change& change : unsynced_) {
    if (!random.chance(plan.power_cut_lost)) redo(change, random, random.chance(plan.power_cut_torn));
  }
  unsynced_.clear();
}

}  // namespace pintle::rt
