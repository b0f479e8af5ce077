// The order of a merged list: the patch's elements in the patch's order, the others between them where the order that
// the server had allows it.
#pragma once

#include <string_view>

#include "codec/value.h"

namespace pintle::apimachinery {

// Two elements stand for the same thing: equal scalars, or objects of equal `merge_key`.
bool same_element(const codec::Value& a, const codec::Value& b, std::string_view merge_key);

// `items` sorted into: those named in `patch_order` in that order, the rest as in `server_order`, interleaved.
codec::Value::Array order_elements(codec::Value::Array items, const codec::Value::Array& patch_order,
                                   const codec::Value::Array& server_order, std::string_view merge_key);

// Both lists of scalars as one, each value once.
codec::Value::Array merge_scalars(const codec::Value::Array& a, const codec::Value::Array& b);

}  // namespace pintle::apimachinery
