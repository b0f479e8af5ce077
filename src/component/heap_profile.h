// What holds the heap, by the stacks that allocated it: a sample of one allocation in every half mebibyte of them (statistically), taken for as
// long as the process lives. For `go tool pprof` and for reading. Any thread; milliseconds, so not on an executor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::component {

struct HeapSample {
  int64_t objects = 0;  // estimates of what is held now, from the samples
  int64_t bytes = 0;
  std::vector<uint64_t> stack;  // return addresses, the innermost first
};
struct HeapProfile {
  int64_t period_bytes = 0;         // one allocation was sampled in so many bytes
  std::vector<HeapSample> samples;  // the largest first
};

// ServiceUnavailable in builds with a sanitizer, whose allocator takes no samples.
Result<HeapProfile> take_heap_profile();
// From jemalloc's own form ("heap_v2/524288", then stacks with "t*: objects: bytes [0: 0]"). Internal if it is none.
Result<HeapProfile> parse_heap_dump(std::string_view dump);

// As pprof's profile.proto (github.com/google/pprof/proto), not compressed: sample types inuse_objects and inuse_space, with functions' names.
std::string to_pprof(const HeapProfile& profile, int64_t unix_nanoseconds);
// A line for each stack: bytes, objects; then its functions.
std::string to_text(const HeapProfile& profile);

}  // namespace pintle::component
