#include "os/read_file.h"

#include <fcntl.h>

#include <cerrno>

#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return system_error(errno, path);
  std::string out;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, path);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > small_file_bytes_max) return error(Reason::RequestEntityTooLarge, path + ": too large");
  }
}

Result<Unit> write_file(const std::string& path, std::string_view data) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) return system_error(errno, path);
  ssize_t put;
  do put = ::write(fd.get(), data.data(), data.size());
  while (put < 0 && errno == EINTR);
  if (put < 0) return system_error(errno, path);
  return Unit{};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace pintle::os
