#include "component/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

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

}  // namespace

void tune_allocator() {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

void release_start_memory() {
  malloc_trim(0);
  dl_iterate_phdr(drop_read_only, nullptr);
}

}  // namespace pintle::component
