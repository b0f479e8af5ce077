#include "rt/sim/event_log.h"

namespace pintle::rt {

void EventLog::write(TimePoint now, std::string_view line) {
  const std::size_t before = text_.size();
  text_ += std::to_string(now.time_since_epoch().count());
  text_ += ' ';
  text_ += line;
  text_ += '\n';
  for (const char c : std::string_view(text_).substr(before)) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  if (text_.size() > bytes_max_) text_.erase(0, text_.find('\n', text_.size() / 2) + 1);
}

std::string EventLog::tail(std::size_t lines) const {
  std::size_t at = text_.size();
  for (std::size_t i = 0; i <= lines && at != std::string::npos && at > 0; ++i) at = text_.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text_ : text_.substr(at + 1);
}

}  // namespace pintle::rt
