#include "component/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <iterator>

namespace pintle::component::log {
namespace {

std::atomic<const rt::Clock*> clock_source = nullptr;
std::atomic<int> verbosity_limit = 0;
std::atomic<int> target_fd = 2;
std::atomic<Format> line_format = Format::Text;

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

}  // namespace

void init(const rt::Clock& clock, Options options) {
  clock_source = &clock;
  verbosity_limit = options.verbosity;
  target_fd = options.fd;
  line_format = options.format;
}

bool enabled(int verbosity) { return verbosity <= verbosity_limit.load(std::memory_order_relaxed); }

void info(int verbosity, std::string_view message, Pairs pairs) {
  if (enabled(verbosity)) write_line('I', message, pairs);
}
void warning(std::string_view message, Pairs pairs) { write_line('W', message, pairs); }
void error(std::string_view message, Pairs pairs) { write_line('E', message, pairs); }

void error(std::string_view message, const Status& status, Pairs pairs) {
  std::string text = fmt::format("{}", message);
  text += fmt::format(" ({})", status.message);
  write_line('E', text, pairs);
}

}  // namespace pintle::component::log
