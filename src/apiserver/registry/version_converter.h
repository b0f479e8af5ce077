// VersionConverter: how objects of a resource that a definition brought go from one of its versions to another, where more than their apiVersion
// differs. Built-in resources have functions for that (ServedVersion). Constant, thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "api/object.h"
#include "base/bytes.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver::registry {

struct VersionBinding;

// Of one call: a list that holds more takes several.
constexpr std::size_t converted_objects_max = 2000;
constexpr std::size_t converted_bytes_max = 1 << 20;  // of their JSON; a larger object goes alone
// What is more than this is read and written on the runtime's long executor.
constexpr std::size_t converted_quick_bytes_max = 64 << 10;

class VersionConverter {
 public:
  virtual ~VersionConverter() = default;

  struct Item {
    const VersionBinding* from = nullptr;
    Bytes json;  // without apiVersion and kind
  };
  // As many, in their order, in version `to`, which none of them is in. An error is that of all of them. `to` lives as long as the task.
  virtual rt::Task<Result<std::vector<api::Object>>> convert(rt::Context ctx, std::vector<Item> items, const VersionBinding& to) const = 0;
};

}  // namespace pintle::apiserver::registry
