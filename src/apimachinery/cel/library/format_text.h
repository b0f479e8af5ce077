// '%s is %d'.format([...]). Kubernetes has the library's version 2, which groups digits in the American way and writes powers of ten with
// superscripts; `latest` is how the specification has it.
#pragma once

#include <string>
#include <string_view>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

constexpr int format_precision_max = 1000;

// false: `error` tells why.
bool format_text(std::string_view format, const List& args, bool latest, Arena& arena, std::string& out, std::string& error);
// What is wrong with a literal format and its arguments, before any has a value; "" : nothing. `argument`: which of them is at fault, or
// their number.
std::string check_format(std::string_view format, std::span<const TypeRef> args, std::size_t& argument);
// The literal of a string: quotes around it, escapes in it.
std::string quoted_for_cel(std::string_view text);

}  // namespace pintle::apimachinery::cel
