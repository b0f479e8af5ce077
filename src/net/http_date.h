// IMF-fixdate (RFC 9110 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rt/clock.h"

namespace pintle::net {

std::string format_http_date(rt::WallTime time);
// Seconds precision. nullopt if it is not an IMF-fixdate.
std::optional<rt::WallTime> parse_http_date(std::string_view text);
// format_http_date(), kept for the second it is about: what goes into every response.
const std::string& http_date_of_now(rt::Clock& clock);

}  // namespace pintle::net
