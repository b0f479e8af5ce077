#include "storage/sqlite/shared_file.h"

#include <sqlite3.h>

#include <atomic>

#include "base/mutex.h"

namespace pintle::storage {

int SharedFile::lock(Member& member, int level) {
  ThreadLock guard(mutex_);
  if (member.level >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (pending_ || exclusive_) return SQLITE_BUSY;
    ++shared_;
    member.level = level;
    return SQLITE_OK;
  }
  if (level == SQLITE_LOCK_RESERVED) {
    if (reserved_) return SQLITE_BUSY;
    reserved_ = true;
    member.level = level;
    return SQLITE_OK;
  }
  // EXCLUSIVE: new readers are kept out from now on, those that are there must have gone.
  if (member.level < SQLITE_LOCK_RESERVED && reserved_) return SQLITE_BUSY;
  if (member.level < SQLITE_LOCK_PENDING) {
    if (pending_) return SQLITE_BUSY;
    pending_ = true;
    reserved_ = true;
    member.level = SQLITE_LOCK_PENDING;
  }
  if (shared_ > 1) return SQLITE_BUSY;
  exclusive_ = true;
  member.level = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

void SharedFile::unlock(Member& member, int level) {
  ThreadLock guard(mutex_);
  if (member.level <= level) return;
  if (member.level >= SQLITE_LOCK_EXCLUSIVE) exclusive_ = false;
  if (member.level >= SQLITE_LOCK_PENDING) pending_ = false;
  if (member.level >= SQLITE_LOCK_RESERVED) reserved_ = false;
  if (level == SQLITE_LOCK_NONE) --shared_;
  member.level = level;
}

bool SharedFile::reserved() {
  ThreadLock guard(mutex_);
  return reserved_;
}

volatile void* SharedFile::map(int region, int size_bytes, bool extend) {
  ThreadLock guard(mutex_);
  const auto index = static_cast<std::size_t>(region);
  if (index >= regions_.size()) {
    if (!extend) return nullptr;
    regions_.resize(index + 1);
  }
  if (!regions_[index]) {
    if (!extend) return nullptr;
    regions_[index] = std::make_unique<char[]>(static_cast<std::size_t>(size_bytes));
  }
  return regions_[index].get();
}

int SharedFile::shm_lock(Member& member, int first, int count, int flags) {
  ThreadLock guard(mutex_);
  const auto mask = static_cast<uint16_t>(((1 << count) - 1) << first);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (int i = first; i < first + count; ++i) {
      const auto bit = static_cast<uint16_t>(1 << i);
      if ((member.exclusive_mask & bit) != 0) slots_[static_cast<std::size_t>(i)] = 0;
      if ((member.shared_mask & bit) != 0) --slots_[static_cast<std::size_t>(i)];
    }
    member.exclusive_mask = static_cast<uint16_t>(member.exclusive_mask & ~mask);
    member.shared_mask = static_cast<uint16_t>(member.shared_mask & ~mask);
    return SQLITE_OK;
  }
  if ((flags & SQLITE_SHM_SHARED) != 0) {
    if ((member.shared_mask & mask) != 0) return SQLITE_OK;
    if (slots_[static_cast<std::size_t>(first)] < 0) return SQLITE_BUSY;
    ++slots_[static_cast<std::size_t>(first)];
    member.shared_mask = static_cast<uint16_t>(member.shared_mask | mask);
    return SQLITE_OK;
  }
  for (int i = first; i < first + count; ++i) {
    const bool own = (member.exclusive_mask & (1 << i)) != 0;
    if (slots_[static_cast<std::size_t>(i)] != 0 && !own) return SQLITE_BUSY;
  }
  for (int i = first; i < first + count; ++i) slots_[static_cast<std::size_t>(i)] = -1;
  member.exclusive_mask = static_cast<uint16_t>(member.exclusive_mask | mask);
  return SQLITE_OK;
}

void SharedFile::join_shm() {
  ThreadLock guard(mutex_);
  ++shm_members_;
}

void SharedFile::shm_unmap(Member& member) {
  shm_lock(member, 0, shm_locks, SQLITE_SHM_UNLOCK);
  ThreadLock guard(mutex_);
  if (--shm_members_ == 0) regions_.clear();
}

void SharedFile::barrier() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  ThreadLock guard(mutex_);
}

}  // namespace pintle::storage
