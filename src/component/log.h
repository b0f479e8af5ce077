// Structured log lines on standard error, in klog's text form or as JSON, quiet by default. One line is one write(2),
// so lines of several threads never mix. The clock comes from rt, so that a simulated run logs the same bytes.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "rt/clock.h"

namespace pintle::component::log {

enum class Format : uint8_t { Text, Json };

struct Options {
  Format format = Format::Text;
  int verbosity = 0;  // -v
  int fd = 2;
};
// Before anything is logged; `clock` outlives every logging thread.
void init(const rt::Clock& clock, Options options);

// A key and its value; the value is quoted as needed.
struct Pair {
  std::string_view key;
  std::string value;
};
using Pairs = std::initializer_list<Pair>;

// True if info() of this verbosity is written: ask before an expensive argument is built.
bool enabled(int verbosity);
void info(int verbosity, std::string_view message, Pairs pairs = {});
void warning(std::string_view message, Pairs pairs = {});
void error(std::string_view message, Pairs pairs = {});
// With the Status as pair "err".
void error(std::string_view message, const Status& status, Pairs pairs = {});

}  // namespace pintle::component::log
