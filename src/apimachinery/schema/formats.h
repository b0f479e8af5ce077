// Formats of strings that schemas enforce. Others are known to nobody and hold for every text.
#pragma once

#include <string_view>

namespace pintle::apimachinery::schema {

using StringFormat = bool (*)(std::string_view text);

// nullptr: not enforced. Dashes in the name do not count: "date-time" is "datetime".
StringFormat find_string_format(std::string_view format);

}  // namespace pintle::apimachinery::schema
