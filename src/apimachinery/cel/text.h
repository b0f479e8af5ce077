// Scalars as Go prints them.
#pragma once

#include <string>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

// %g of Go: shortest digits that read back, an exponent below -4 and from 6 on.
std::string double_text(double v);
// string() of a bool, number, timestamp or duration; the content of a string or bytes; "null".
std::string scalar_text(const Value& v);

}  // namespace pintle::apimachinery::cel
