// What a process does so that its resident memory is what it uses. The allocator is jemalloc (docs/decisions/0027-allocator.md); builds with a
// sanitizer have the sanitizer's own, and there nothing is to be tuned.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace pintle::component {

// When a start, or a burst, has ended: free heap pages leave, and so do the pages of code and constants, which come back from the page cache
// as they are needed (breakpoints that a debugger has set before are lost). Threads may run.
void release_idle_memory();
// What the process holds of files' pages, and has computed, by now.
struct ProcessUse {
  std::chrono::nanoseconds cpu{};
  int64_t file_bytes = 0;  // resident
};
ProcessUse process_use();
// When pages of code are to leave again: a burst has brought them, and for a whole interval hardly anything was computed.
class QuietWatch {
 public:
  // Asked once an interval.
  bool due(const ProcessUse& now, std::chrono::nanoseconds interval);
  void released(int64_t file_bytes) { left_ = file_bytes; }

 private:
  std::chrono::nanoseconds cpu_{};
  int64_t left_ = 0;
};
// Free heap pages leave at once, where the allocator would keep them for a second: after a large buffer that is seldom needed.
void release_free_memory();

// The heap, in bytes. All 0 in builds with a sanitizer.
struct HeapUse {
  int64_t allocated = 0;  // what the program holds, as size classes round it up
  int64_t active = 0;     // pages that hold some of it
  int64_t resident = 0;   // active pages, those free but not yet given back, and the allocator's own
};
HeapUse heap_use();
// pintle_heap_bytes{state=...}.
void write_heap_metrics(std::string& out);

}  // namespace pintle::component
