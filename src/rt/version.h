// Version: a number that only grows and that tasks wait on: "until the store has reached revision 42", "until anything
// newer than what I have". Safe from any executor; a waiter resumes on its own.
#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::rt {

class Version {
 public:
  explicit Version(uint64_t value = 0);
  ~Version();
  Version(const Version&) = delete;
  Version& operator=(const Version&) = delete;

  uint64_t value() const;
  // Raises the value to `value` and wakes whom that suffices; no effect if it is there already.
  void advance_to(uint64_t value);
  // Raises it by one; the new value.
  uint64_t increment();
  // Waits until value() >= at_least; the value then.
  Task<Result<uint64_t>> wait(Context ctx, uint64_t at_least);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pintle::rt
