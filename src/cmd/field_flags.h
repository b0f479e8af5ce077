// Flags that stand for fields of a configuration file: one table says which, so that a flag works exactly where its field does.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "codec/value.h"
#include "component/flags.h"

namespace pintle::cmd {

struct FieldOfFlag {
  std::string_view flag;
  std::string_view field;  // by its JSON names: "authentication.x509.clientCAFile"
};

// Members of `over` win; objects are merged, lists replaced.
void merge_value(codec::Value& base, const codec::Value& over);

// Sets the fields whose flag counts in the document `root`. BadRequest names a flag whose value the field cannot have.
Result<Unit> set_fields(const component::FlagSet& flags, std::span<const component::FlagSpec> specs, std::span<const FieldOfFlag> fields,
                        const std::function<bool(std::string_view flag)>& counts, codec::Value& root);

}  // namespace pintle::cmd
