#include "os/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/parse_number.h"
#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Result<bool> tell_service_manager(std::string_view state) {
  const std::string_view path = variable("NOTIFY_SOCKET");
  if (path.empty()) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path)
    return error(Reason::Invalid, "NOTIFY_SOCKET is no socket's path: " + std::string(path));
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error(errno, "socket");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return system_error(errno, "the service manager's socket " + std::string(path));
  return true;
}

bool has_service_manager() { return ::access("/run/systemd/system", F_OK) == 0 || !variable("DBUS_SYSTEM_BUS_ADDRESS").empty(); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto micros = parse_number<int64_t>(variable("WATCHDOG_USEC"));
  if (!micros || *micros <= 0) return std::nullopt;
  const std::string_view whose = variable("WATCHDOG_PID");
  if (!whose.empty() && parse_number<pid_t>(whose) != ::getpid()) return std::nullopt;
  return std::chrono::microseconds(*micros);
}

bool is_for_service_manager(std::string_view name) {
  constexpr std::array<std::string_view, 3> names = {"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID="};
  return std::ranges::find(names, name) != names.end();
}

}  // namespace pintle::os
