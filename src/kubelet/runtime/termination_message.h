// What a container that has ended leaves as its message: its termination log, or the end of its output.
#pragma once

#include <string>
#include <string_view>

#include "kubelet/types/pod_state.h"
#include "rt/task.h"

namespace pintle::kubelet::runtime {

constexpr std::size_t termination_message_bytes_max = 4096;   // of the file
constexpr std::size_t termination_fallback_bytes_max = 2048;  // of the log
constexpr std::size_t termination_fallback_lines_max = 80;

// Appends the message to container.message: of its termination log; with FallbackToLogsOnError, when that is empty and the container
// failed, the end of its log. A file that cannot be read leaves upstream's message about that.
rt::Task<void> read_termination_message(RuntimeContainer& container);

// The text of the last lines of a log in CRI's format ("2026-01-02T03:04:05.6Z stdout F text"), within the limits above.
std::string tail_of_log(std::string_view log);

}  // namespace pintle::kubelet::runtime
