// What a service manager is told of this process, and how often it wants to hear from it: the protocol of sd_notify(3), a datagram to
// $NOTIFY_SOCKET. Child processes do not inherit it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace pintle::os {

// Whether systemd runs this machine, or it is said where its system bus is ($DBUS_SYSTEM_BUS_ADDRESS).
bool has_service_manager();
// "READY=1", "STOPPING=1", "WATCHDOG=1". False: nobody asks to be told.
Result<bool> tell_service_manager(std::string_view state);
// The longest time between two "WATCHDOG=1" ($WATCHDOG_USEC, meant for $WATCHDOG_PID); nullopt: it does not watch.
std::optional<std::chrono::microseconds> watchdog_interval();
// "NAME=" of its variables.
bool is_for_service_manager(std::string_view name_and_equals);

}  // namespace pintle::os
