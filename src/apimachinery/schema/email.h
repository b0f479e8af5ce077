// Mail addresses of RFC 5322, as Go's net/mail reads a single one: "a@b.c", "Name <a@b.c>", with quotes and comments. Groups are not.
#pragma once

#include <string_view>

namespace pintle::apimachinery::schema {

bool is_email_address(std::string_view text);

}  // namespace pintle::apimachinery::schema
