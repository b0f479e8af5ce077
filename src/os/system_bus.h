// libsystemd's sd-bus, loaded when it is asked for first: machines without systemd need not have it.
#pragma once

#include <systemd/sd-bus.h>

#include <string_view>

#include "base/status.h"

namespace pintle::os {

// The functions that are used here.
struct SystemBus {
  decltype(&sd_bus_open_system) open_system = nullptr;
  decltype(&sd_bus_flush_close_unref) close = nullptr;
  decltype(&sd_bus_set_method_call_timeout) set_timeout = nullptr;
  decltype(&sd_bus_get_property_trivial) get_property = nullptr;
  decltype(&sd_bus_call_method) call_method = nullptr;
  decltype(&sd_bus_call) call = nullptr;
  decltype(&sd_bus_match_signal) match_signal = nullptr;
  decltype(&sd_bus_message_new_method_call) new_call = nullptr;
  decltype(&sd_bus_message_append) append = nullptr;
  decltype(&sd_bus_message_open_container) open_container = nullptr;
  decltype(&sd_bus_message_close_container) close_container = nullptr;
  decltype(&sd_bus_message_read) read = nullptr;
  decltype(&sd_bus_message_read_basic) read_basic = nullptr;
  decltype(&sd_bus_message_unref) unref = nullptr;
  decltype(&sd_bus_error_free) free_error = nullptr;
  decltype(&sd_bus_process) process = nullptr;
  decltype(&sd_bus_wait) wait = nullptr;
  decltype(&sd_bus_get_fd) get_fd = nullptr;
};
// Loaded once, for good. NotFound: this machine has none.
Result<const SystemBus*> load_system_bus();
// Timeout or ServiceUnavailable, with what the other side said.
Status bus_error(int negative_errno, std::string_view what, const sd_bus_error* said = nullptr);

constexpr uint64_t bus_question_time_us = 5'000'000;

}  // namespace pintle::os
