#include "component/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <ctime>
#include <iterator>

namespace pintle::component::log {
namespace {

std::atomic<const rt::Clock*> clock_source = nullptr;
std::atomic<int> verbosity_limit = 0;
std::atomic<int> target_fd = 2;
std::atomic<Format> line_format = Format::Text;
// Written by init() alone, read where has_file_verbosity says so.
std::vector<FileVerbosity> file_verbosity;
std::atomic<bool> has_file_verbosity = false;

struct Moment {
  std::tm utc{};
  int64_t micros = 0;
};

Moment moment() {
  const rt::Clock* clock = clock_source.load();
  Moment out;
  if (clock == nullptr) return out;
  const int64_t total = std::chrono::duration_cast<std::chrono::microseconds>(clock->wall_now().time_since_epoch()).count();
  const std::time_t seconds = total / 1'000'000;
  gmtime_r(&seconds, &out.utc);
  out.micros = total % 1'000'000;
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

std::string text_line(char severity, std::string_view message, Pairs pairs, const Moment& at) {
  std::string line = fmt::format("{}{:%m%d %H:%M:%S}.{:06d} {:7d}] ", severity, at.utc, at.micros, getpid());
  append_quoted(line, message);
  for (const Pair& pair : pairs) {
    line += ' ';
    line += pair.key;
    line += '=';
    append_quoted(line, pair.value);
  }
  return line;
}

std::string json_line(char severity, std::string_view message, Pairs pairs, const Moment& at) {
  std::string line = fmt::format("{{\"ts\":\"{:%Y-%m-%dT%H:%M:%S}.{:06d}Z\",\"level\":\"{}\",\"msg\":", at.utc, at.micros,
                                 severity == 'I'   ? "info"
                                 : severity == 'W' ? "warning"
                                                   : "error");
  append_quoted(line, message);
  for (const Pair& pair : pairs) {
    line += ',';
    append_quoted(line, pair.key);
    line += ':';
    append_quoted(line, pair.value);
  }
  line += '}';
  return line;
}

void write_line(char severity, std::string_view message, Pairs pairs) {
  const Moment at = moment();
  std::string line = line_format.load() == Format::Json ? json_line(severity, message, pairs, at) : text_line(severity, message, pairs, at);
  line += '\n';
  // A log line that cannot be written has nowhere to be reported.
  [[maybe_unused]] const ssize_t written = ::write(target_fd.load(), line.data(), line.size());
}

bool fits(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    if (pattern[0] == '*') {
      for (std::size_t i = 0; i <= text.size(); ++i)
        if (fits(pattern.substr(1), text.substr(i))) return true;
      return false;
    }
    if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) return false;
    pattern.remove_prefix(1);
    text.remove_prefix(1);
  }
  return text.empty();
}

bool enabled_for_file(int verbosity, std::string_view file) {
  for (const FileVerbosity& one : file_verbosity)
    if (is_file_of(one.pattern, file)) return verbosity <= one.verbosity;
  return false;
}

}  // namespace

bool is_file_of(std::string_view pattern, std::string_view file) {
  constexpr std::string_view root = "src/";
  if (const auto at = file.rfind("/src/"); at != std::string_view::npos)
    file.remove_prefix(at + 1 + root.size());
  else if (file.starts_with(root))
    file.remove_prefix(root.size());
  file = file.substr(0, file.rfind('.'));
  if (pattern.find('/') == std::string_view::npos) file.remove_prefix(file.rfind('/') + 1);
  return fits(pattern, file);
}

Result<std::vector<FileVerbosity>> parse_vmodule(std::string_view text) {
  constexpr std::size_t pattern_chars_max = 256;
  std::vector<FileVerbosity> out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    if (item.empty()) continue;  // as after a last comma
    const auto equals = item.find('=');
    const std::string_view number = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    FileVerbosity one{std::string(item.substr(0, equals)), 0};
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), one.verbosity);
    if (one.pattern.empty() || one.pattern.size() > pattern_chars_max || number.empty() || failure != std::errc() ||
        end != number.data() + number.size() || one.verbosity < 0)
      return bad_request(fmt::format("\"{}\" is not PATTERN=N, a pattern of source files and their verbosity", item));
    out.push_back(std::move(one));
  }
  return out;
}

void init(const rt::Clock& clock, Options options) {
  clock_source = &clock;
  verbosity_limit = options.verbosity;
  has_file_verbosity = false;
  file_verbosity = std::move(options.vmodule);
  has_file_verbosity = !file_verbosity.empty();
  target_fd = options.fd;
  line_format = options.format;
}

bool enabled(int verbosity, const std::source_location& where) {
  if (verbosity <= verbosity_limit.load(std::memory_order_relaxed)) return true;
  return has_file_verbosity.load(std::memory_order_acquire) && enabled_for_file(verbosity, where.file_name());
}

void info(int verbosity, std::string_view message, Pairs pairs, const std::source_location& where) {
  if (enabled(verbosity, where)) write_line('I', message, pairs);
}
void warning(std::string_view message, Pairs pairs) { write_line('W', message, pairs); }
void error(std::string_view message, Pairs pairs) { write_line('E', message, pairs); }

void error(std::string_view message, const Status& status, Pairs pairs) {
  std::string text = fmt::format("{}", message);
  text += fmt::format(" ({})", status.message);
  write_line('E', text, pairs);
}

}  // namespace pintle::component::log
