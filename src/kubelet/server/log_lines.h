// The log files that container runtimes write (the CRI's format), line by line, without any I/O:
//   2026-01-02T03:04:05.678901234Z stdout F what the container wrote
// "P" for "F": the line goes on in the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/values.h"

namespace pintle::kubelet::server {

struct LogLine {
  std::string_view timestamp;
  std::string_view stream;  // "stdout" or "stderr"
  std::string_view text;    // with its newline, unless the line is partial
};
// nullopt: no such line. `line` ends with its newline.
std::optional<LogLine> parse_log_line(std::string_view line);

struct LogSelection {
  api::Time since;                   // zero: from the beginning
  std::optional<int64_t> lines_max;  // of the file; then full() (a tail that does not follow)
  std::optional<int64_t> bytes_max;
  bool timestamps = false;
  bool stdout = true;
  bool stderr = true;
};

// Turns lines of the file into what a client gets.
class LogFilter {
 public:
  explicit LogFilter(LogSelection selection) : selection_(std::move(selection)) {}
  // Appends what the client gets of the line; lines that are none are passed over.
  void feed(std::string_view line, std::string& out);
  // The client has got all that it asked for.
  bool full() const;

 private:
  LogSelection selection_;
  int64_t lines_ = 0;
  int64_t bytes_ = 0;
  bool begins_ = true;  // the next piece begins a line of the container
};

}  // namespace pintle::kubelet::server
