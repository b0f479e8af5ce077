// SharedFile: what all connections of this process to one database file share: its lock, and the write-ahead log's index
// ("shared memory") with its eight locks. See https://www.sqlite.org/lockingv3.html and walformat.html.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"

namespace pintle::storage {

class SharedFile {
 public:
  static constexpr int shm_locks = 8;

  // One connection's part.
  struct Member {
    int level = 0;  // SQLITE_LOCK_NONE ... EXCLUSIVE
    uint16_t shared_mask = 0;
    uint16_t exclusive_mask = 0;
  };

  // SQLITE_OK or SQLITE_BUSY.
  int lock(Member& member, int level);
  void unlock(Member& member, int level);
  bool reserved();

  // The region's memory; nullptr if it is not there and `extend` is false.
  volatile void* map(int region, int size_bytes, bool extend);
  int shm_lock(Member& member, int first, int count, int flags);
  // The member leaves; with nobody left the memory is freed.
  void shm_unmap(Member& member);
  void join_shm();
  void barrier();

 private:
  ThreadMutex mutex_;
  int shared_ GUARDED_BY(mutex_) = 0;  // members at SHARED or more
  bool reserved_ GUARDED_BY(mutex_) = false;
  bool pending_ GUARDED_BY(mutex_) = false;
  bool exclusive_ GUARDED_BY(mutex_) = false;
  int shm_members_ GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<char[]>> regions_ GUARDED_BY(mutex_);
  std::array<int, shm_locks> slots_ GUARDED_BY(mutex_){};  // shared holders, or -1: exclusive
};

}  // namespace pintle::storage
