// Values as Go's fmt and upstream's field errors show them.
#pragma once

#include <string>

#include "apimachinery/validation/field_errors.h"
#include "codec/value.h"

namespace pintle::apimachinery::schema {

// %v of a float64: the shortest digits that read back, with an exponent below 1e-4 and from 1e6 on ("1e+06").
std::string print_double(double value);
// Scalars bare, containers as JSON; null is "<no value>".
std::string print_value(const codec::Value& value);
BadValue bad_value(const codec::Value& value);

}  // namespace pintle::apimachinery::schema
