// Vfs: SQLite's view of an rt::Disk. Every byte SQLite reads or writes goes through here, so that a simulated disk can
// tear, lose and refuse writes. The shared memory of the write-ahead log and the file locks live in this process's heap:
// another process is kept out by the lock file (process_lock.h), not by SQLite.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "rt/clock.h"
#include "rt/file.h"

namespace pintle::storage {

class Vfs {
 public:
  // Registers itself with SQLite under a name of its own for as long as it lives; longer than every connection through it.
  Vfs(rt::Disk& disk, const rt::Clock& clock, rt::Random& random);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const std::string& name() const;
  // What the disk said when it last refused something; a Status without message if it never did.
  Status last_error() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace pintle::storage
