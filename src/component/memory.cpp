#include "component/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string_view>
#include <vector>

#include "component/metrics.h"

#ifdef PINTLE_JEMALLOC
#include <jemalloc/jemalloc.h>

// The allocator reads it before main(). Decision 0027 says what each of them is worth.
extern "C" const char* malloc_conf;
const char* malloc_conf =
    "narenas:2,"
    "background_thread:true,max_background_threads:1,dirty_decay_ms:5000,muzzy_decay_ms:0,retain:false,"
    "prof:true,lg_prof_sample:21";
#endif

namespace pintle::component {

namespace {

// What is mapped read-only from the file is clean, always: relocated constants lie in a segment that is writable at first.
int drop_read_only(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // refused for the vDSO, which is no file's
  }
  return 0;
}

#ifdef PINTLE_JEMALLOC
int64_t statistic(const char* name) {
  std::size_t value = 0, size = sizeof value;
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? static_cast<int64_t>(value) : 0;
}
#endif

}  // namespace

void release_free_memory() {
#ifdef PINTLE_JEMALLOC
  (void)mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  static const std::string every_arena = "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
  (void)mallctl(every_arena.c_str(), nullptr, nullptr, nullptr, 0);
#else
  malloc_trim(0);
#endif
}

void release_idle_memory() {
  release_free_memory();
  dl_iterate_phdr(drop_read_only, nullptr);
}

ProcessUse process_use() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) { return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec); };
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return {of(usage.ru_utime) + of(usage.ru_stime), shared * sysconf(_SC_PAGESIZE)};
}

bool QuietWatch::due(const ProcessUse& now, std::chrono::nanoseconds interval) {
  constexpr int64_t worth = 4 << 20;  // bytes
  constexpr int busy = 20;            // of a core: a twentieth
  const bool quiet = (now.cpu - cpu_) * busy < interval;
  cpu_ = now.cpu;
  return quiet && now.file_bytes >= left_ + worth;
}

HeapUse heap_use() {
#ifdef PINTLE_JEMALLOC
  uint64_t epoch = 1;
  std::size_t size = sizeof epoch;
  (void)mallctl("epoch", &epoch, &size, &epoch, size);  // what follows is of now
  return {statistic("stats.allocated"), statistic("stats.active"), statistic("stats.resident")};
#else
  return {};
#endif
}

void write_heap_metrics(std::string& out) {
  const HeapUse use = heap_use();
  const std::string_view labels[] = {"state"};
  metrics::write_head(out, "pintle_heap_bytes", "The heap: what is allocated, the pages that hold it, and all that is resident for it.", "gauge");
  for (const auto& [state, bytes] : {std::pair{"allocated", use.allocated}, std::pair{"active", use.active}, std::pair{"resident", use.resident}}) {
    const std::string values[] = {state};
    metrics::write_sample(out, "pintle_heap_bytes", labels, values, static_cast<double>(bytes));
  }
}

}  // namespace pintle::component
