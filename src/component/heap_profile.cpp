#include "component/heap_profile.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <ranges>

#include "codec/proto_wire.h"
#include "component/symbols.h"

#ifdef PINTLE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace pintle::component {

namespace {

constexpr std::size_t dump_bytes_max = 64 << 20;
// Frames of the allocator itself, which pprof leaves out.
constexpr std::string_view allocator_frames =
    "malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|memalign|operator new.*|je_.*|prof_.*|.*imalloc.*|fallback_impl.*";

template <class T>
std::optional<T> number(std::string_view& text, int base = 10) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  T value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failure != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// A sampled allocation of average size s stands for 1 / (1 - exp(-s / period)) of its like.
HeapSample estimate(int64_t objects, int64_t bytes, int64_t period) {
  const double average = static_cast<double>(bytes) / static_cast<double>(objects);
  const double scale = 1 / -std::expm1(-average / static_cast<double>(period));
  return {std::llround(static_cast<double>(objects) * scale), std::llround(static_cast<double>(bytes) * scale), {}};
}

Unexpected<Status> not_a_dump() { return internal("the allocator's profile is not in the form that is known"); }

// What is loaded where: code of one file.
struct Mapping {
  uint64_t start = 0, end = 0, offset = 0;
  std::string file;
};

std::string program_file() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

std::vector<Mapping> code_mappings() {
  std::vector<Mapping> mappings;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* out) {
        auto& found = *static_cast<std::vector<Mapping>*>(out);
        const bool program = object->dlpi_name == nullptr || *object->dlpi_name == '\0';
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const ElfW(Phdr)& segment = object->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
          const uint64_t start = object->dlpi_addr + segment.p_vaddr;
          found.push_back({start, start + segment.p_memsz, segment.p_offset, program ? program_file() : std::string(object->dlpi_name)});
        }
        return 0;
      },
      &mappings);
  return mappings;
}

// Every address on a stack once, with its function's name. Return addresses lie behind the call: one less is inside it.
std::map<uint64_t, std::string> names_of(const HeapProfile& profile) {
  std::map<uint64_t, std::string> names;
  for (const HeapSample& sample : profile.samples)
    for (const uint64_t address : sample.stack) names[address - 1];
  const auto keys = std::views::keys(names);
  const std::vector<uint64_t> addresses(keys.begin(), keys.end());
  const std::vector<std::string> found = function_names(addresses);
  for (std::size_t i = 0; i < addresses.size(); ++i) names[addresses[i]] = found[i];
  return names;
}

// Builds the message; numbers of fields as in profile.proto.
class PprofWriter {
 public:
  PprofWriter() { (void)text(""); }

  void value_type(uint32_t field, std::string_view type, std::string_view unit) {
    Message message;
    message.integer(1, text(type));
    message.integer(2, text(unit));
    profile_.message(field, message);
  }
  void mapping(uint64_t id, const Mapping& mapping) {
    Message message;
    message.integer(1, id);
    message.integer(2, mapping.start);
    message.integer(3, mapping.end);
    message.integer(4, mapping.offset);
    message.integer(5, text(mapping.file));
    message.integer(7, 1);  // has_functions
    profile_.message(3, message);
  }
  void location(uint64_t id, uint64_t mapping, uint64_t address, std::string_view function) {
    Message message;
    message.integer(1, id);
    message.integer(2, mapping);
    message.integer(3, address);
    if (!function.empty()) {
      Message line;
      line.integer(1, function_id(function));
      message.message(4, line);
    }
    profile_.message(4, message);
  }
  void sample(const std::vector<uint64_t>& locations, const HeapSample& sample) {
    Message message;
    message.packed(1, locations);
    message.packed(2, {static_cast<uint64_t>(sample.objects), static_cast<uint64_t>(sample.bytes)});
    profile_.message(2, message);
  }
  std::string finish(int64_t period_bytes, int64_t unix_nanoseconds) {
    profile_.integer(7, text(allocator_frames));
    profile_.integer(9, static_cast<uint64_t>(unix_nanoseconds));
    value_type(11, "space", "bytes");
    profile_.integer(12, static_cast<uint64_t>(period_bytes));
    profile_.integer(14, text("inuse_space"));
    std::vector<std::string_view> table(texts_.size());
    for (const auto& [name, index] : texts_) table[index] = name;
    for (const std::string_view name : table) codec::append_bytes_field(6, name, profile_.bytes);
    return std::move(profile_.bytes);
  }

 private:
  struct Message {
    std::string bytes;
    void integer(uint32_t field, uint64_t value) {
      codec::append_tag(field, codec::WireType::Varint, bytes);
      codec::append_varint(value, bytes);
    }
    void message(uint32_t field, const Message& inner) { codec::append_bytes_field(field, inner.bytes, bytes); }
    void packed(uint32_t field, const std::vector<uint64_t>& values) {
      std::string inner;
      for (const uint64_t value : values) codec::append_varint(value, inner);
      codec::append_bytes_field(field, inner, bytes);
    }
  };

  uint64_t text(std::string_view value) { return texts_.emplace(std::string(value), texts_.size()).first->second; }
  uint64_t function_id(std::string_view name) {
    const auto [it, added] = functions_.emplace(std::string(name), functions_.size() + 1);
    if (added) {
      Message message;
      message.integer(1, it->second);
      message.integer(2, text(name));
      message.integer(3, text(name));
      profile_.message(5, message);
    }
    return it->second;
  }

  Message profile_;
  std::map<std::string, uint64_t> texts_;
  std::map<std::string, uint64_t> functions_;
};

#ifdef PINTLE_JEMALLOC
// The allocator writes a file: one in memory.
Result<std::string> dump_heap() {
  const int file = memfd_create("heap-profile", MFD_CLOEXEC);
  if (file < 0) return internal("no file in memory for the heap's profile");
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const char* name = path.c_str();
  const int failure = mallctl("prof.dump", nullptr, nullptr, &name, sizeof name);
  std::string dump;
  std::array<char, 1 << 14> part{};
  ssize_t size = 0;
  while (failure == 0 && dump.size() < dump_bytes_max && (size = pread(file, part.data(), part.size(), static_cast<off_t>(dump.size()))) > 0) {
    dump.append(part.data(), static_cast<std::size_t>(size));
  }
  close(file);
  if (failure != 0) return internal("the allocator has written no profile, error " + std::to_string(failure));
  return dump;
}
#endif

}  // namespace

Result<HeapProfile> parse_heap_dump(std::string_view dump) {
  HeapProfile profile;
  std::string_view head = next_line(dump);
  constexpr std::string_view form = "heap_v2/";
  if (!head.starts_with(form)) return not_a_dump();
  head.remove_prefix(form.size());
  const auto period = number<int64_t>(head);
  if (!period || *period <= 0) return not_a_dump();
  profile.period_bytes = *period;
  std::vector<uint64_t> stack;
  while (!dump.empty() && !dump.starts_with("MAPPED_LIBRARIES")) {
    std::string_view line = next_line(dump);
    constexpr std::string_view all_threads = "  t*: ";
    if (line.starts_with("@")) {
      stack.clear();
      line.remove_prefix(1);
      while (line.starts_with(" 0x")) {
        line.remove_prefix(3);
        const auto address = number<uint64_t>(line, 16);
        if (!address) return not_a_dump();
        stack.push_back(*address);
      }
    } else if (line.starts_with(all_threads) && !stack.empty()) {  // before the first stack: the sum of all
      line.remove_prefix(all_threads.size());
      const auto objects = number<int64_t>(line);
      if (!objects || !line.starts_with(": ")) return not_a_dump();
      line.remove_prefix(2);
      const auto bytes = number<int64_t>(line);
      if (!bytes) return not_a_dump();
      if (*objects <= 0 || *bytes <= 0) continue;
      HeapSample sample = estimate(*objects, *bytes, profile.period_bytes);
      sample.stack = stack;
      profile.samples.push_back(std::move(sample));
    }
  }
  std::ranges::stable_sort(profile.samples, std::greater<>(), &HeapSample::bytes);
  return profile;
}

Result<HeapProfile> take_heap_profile() {
#ifdef PINTLE_JEMALLOC
  TRY_ASSIGN(const std::string dump, dump_heap());
  return parse_heap_dump(dump);
#else
  return error(Reason::ServiceUnavailable, "this build's allocator takes no samples");
#endif
}

std::string to_pprof(const HeapProfile& profile, int64_t unix_nanoseconds) {
  PprofWriter writer;
  writer.value_type(1, "inuse_objects", "count");
  writer.value_type(1, "inuse_space", "bytes");
  const std::vector<Mapping> mappings = code_mappings();
  for (std::size_t i = 0; i < mappings.size(); ++i) writer.mapping(i + 1, mappings[i]);
  std::map<uint64_t, uint64_t> locations;
  for (const auto& [address, name] : names_of(profile)) {
    const uint64_t id = locations.size() + 1;
    const auto of = std::ranges::find_if(mappings, [at = address](const Mapping& one) { return one.start <= at && at < one.end; });
    writer.location(id, of == mappings.end() ? 0 : static_cast<uint64_t>(of - mappings.begin()) + 1, address, name);
    locations[address] = id;
  }
  for (const HeapSample& sample : profile.samples) {
    std::vector<uint64_t> stack;
    for (const uint64_t address : sample.stack) stack.push_back(locations.at(address - 1));
    writer.sample(stack, sample);
  }
  return writer.finish(profile.period_bytes, unix_nanoseconds);
}

std::string to_text(const HeapProfile& profile) {
  const std::map<uint64_t, std::string> names = names_of(profile);
  std::string out = "Held now, estimated from one sample in " + std::to_string(profile.period_bytes) + " bytes: bytes, objects, stack\n";
  for (const HeapSample& sample : profile.samples) {
    out += "\n" + std::to_string(sample.bytes) + " " + std::to_string(sample.objects) + "\n";
    for (const uint64_t address : sample.stack) {
      const std::string& name = names.at(address - 1);
      out += "  " + (name.empty() ? std::string("?") : name) + "\n";
    }
  }
  return out;
}

}  // namespace pintle::component
