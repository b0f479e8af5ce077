// Structured log lines on standard error, in klog's text form or as JSON, quiet by default. One line is one write(2),
// so lines of several threads never mix. The clock comes from rt, so that a simulated run logs the same bytes.
#pragma once

#include <initializer_list>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "rt/clock.h"

namespace pintle::component::log {

enum class Format : uint8_t { Text, Json };

// --vmodule: the verbosity of source files of one name. As klog's, the pattern (with * and ?) is for the file's name without its
// suffix ("node_agent" for kubelet/node/node_agent.cpp), or for the path below src/ where it has a slash ("kubelet/node/*").
struct FileVerbosity {
  std::string pattern;
  int verbosity = 0;
};
// "pattern=N,...": BadRequest says what is wrong.
Result<std::vector<FileVerbosity>> parse_vmodule(std::string_view text);
// Whether a file (path below src/, or an absolute one) is among those of a pattern. Pure.
bool is_file_of(std::string_view pattern, std::string_view file);

struct Options {
  Format format = Format::Text;
  int verbosity = 0;                   // -v
  std::vector<FileVerbosity> vmodule;  // the first pattern that fits a file decides; it only ever adds lines to those of -v
  int fd = 2;
};
// Before anything is logged by another thread; `clock` outlives every logging thread.
void init(const rt::Clock& clock, Options options);

// A key and its value; the value is quoted as needed.
struct Pair {
  std::string_view key;
  std::string value;
};
using Pairs = std::initializer_list<Pair>;

// True if info() of this verbosity is written at that place: ask before an expensive argument is built.
bool enabled(int verbosity, const std::source_location& where = std::source_location::current());
void info(int verbosity, std::string_view message, Pairs pairs = {}, const std::source_location& where = std::source_location::current());
void warning(std::string_view message, Pairs pairs = {});
void error(std::string_view message, Pairs pairs = {});
// With the Status as pair "err".
void error(std::string_view message, const Status& status, Pairs pairs = {});

}  // namespace pintle::component::log
