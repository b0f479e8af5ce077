#include "component/symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>

namespace pintle::component {

namespace {

// A file's bytes, mapped to be read.
class MappedFile {
 public:
  explicit MappedFile(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (file >= 0 && fstat(file, &info) == 0 && info.st_size > 0) {
      void* start = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
      if (start != MAP_FAILED) bytes_ = {static_cast<const char*>(start), static_cast<std::size_t>(info.st_size)};
    }
    if (file >= 0) close(file);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  // `count` of T at `offset`; nothing if the file does not have them.
  template <class T>
  std::span<const T> at(uint64_t offset, uint64_t count) const {
    if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T) || offset % alignof(T) != 0) return {};
    return {reinterpret_cast<const T*>(bytes_.data() + offset), count};
  }

 private:
  std::span<const char> bytes_;
};

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(readable.get()) : std::string(name);
}

// Where the program itself is loaded: the first of all objects.
uint64_t program_base() {
  uint64_t base = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* out) {
        *static_cast<uint64_t*>(out) = object->dlpi_addr;
        return 1;
      },
      &base);
  return base;
}

// The functions of `symbols` that hold one of `wanted` (ascending, as the file counts addresses): `found(i, name)`.
template <class Found>
void find_in_table(std::span<const ElfW(Sym)> symbols, std::span<const char> names, const std::vector<uint64_t>& wanted, const Found& found) {
  for (const ElfW(Sym) & symbol : symbols) {
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0 || symbol.st_name >= names.size()) continue;
    auto it = std::ranges::lower_bound(wanted, symbol.st_value);
    for (; it != wanted.end() && *it < symbol.st_value + symbol.st_size; ++it)
      found(static_cast<std::size_t>(it - wanted.begin()), &names[symbol.st_name]);
  }
}

template <class Found>
void find_in_program(const std::vector<uint64_t>& wanted, const Found& found) {
  const MappedFile file("/proc/self/exe");
  const auto header = file.at<ElfW(Ehdr)>(0, 1);
  if (header.empty()) return;
  const auto sections = file.at<ElfW(Shdr)>(header[0].e_shoff, header[0].e_shnum);
  for (const ElfW(Shdr) & section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) continue;
    const ElfW(Shdr)& strings = sections[section.sh_link];
    const auto names = file.at<char>(strings.sh_offset, strings.sh_size);
    if (names.empty() || names.back() != '\0') continue;
    find_in_table(file.at<ElfW(Sym)>(section.sh_offset, section.sh_size / sizeof(ElfW(Sym))), names, wanted, found);
  }
}

}  // namespace

std::vector<std::string> function_names(const std::vector<uint64_t>& addresses) {
  const uint64_t base = program_base();
  std::vector<uint64_t> wanted;
  for (const uint64_t address : addresses) wanted.push_back(address - base);
  std::ranges::sort(wanted);
  std::vector<std::string> sorted_names(wanted.size());
  find_in_program(wanted, [&sorted_names](std::size_t i, const char* name) {
    if (sorted_names[i].empty()) sorted_names[i] = demangled(name);
  });
  std::vector<std::string> names;
  for (const uint64_t address : addresses) {
    const auto place = std::ranges::lower_bound(wanted, address - base) - wanted.begin();
    // Equal addresses: the first of them has been found with the others.
    std::string name = sorted_names[static_cast<std::size_t>(place)];
    Dl_info info;
    if (name.empty() && dladdr(reinterpret_cast<void*>(address), &info) != 0 && info.dli_sname != nullptr) name = demangled(info.dli_sname);
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace pintle::component
