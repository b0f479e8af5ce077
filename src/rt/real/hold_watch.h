// HoldWatch: measures the steps of one executor (rt/held.h), on its thread. A step costs one read of the clock, which needs no
// system call; the thread's processor time, which does, is read at most every look_every.
#pragma once

#include <cstddef>

#include "rt/held.h"

namespace pintle::rt {

namespace detail {

struct WorkNote {
  char text[work_note_max] = {};
  std::size_t size = 0;
};
WorkNote& work_note();  // of this thread
void count_executor(std::size_t index);
void count_held(std::size_t index, Duration processor);

}  // namespace detail

class HoldWatch {
 public:
  HoldWatch(std::size_t index, Duration held_max) : index_(index), held_max_(held_max) { detail::count_executor(index); }
  // On the executor's thread, before its first step.
  void start();
  void begin();
  TimePoint begun() const { return begun_; }
  // Ends a step and begins the next.
  void end();

  template <class F>
  void step(F&& work) {
    begin();
    work();
    end();
  }

 private:
  void look(TimePoint now);

  const std::size_t index_;
  const Duration held_max_;
  detail::WorkNote* note_ = nullptr;
  TimePoint begun_{};
  // The last look: what was used since is the step's, but for what other steps used within look_every.
  TimePoint looked_{};
  Duration processor_then_{};
};

}  // namespace pintle::rt
