// URIs as Go's url.ParseRequestURI takes them: an absolute URI or an absolute path; '#' is a character like others.
#pragma once

#include <string_view>

namespace pintle::apimachinery::schema {

bool is_request_uri(std::string_view text);

}  // namespace pintle::apimachinery::schema
