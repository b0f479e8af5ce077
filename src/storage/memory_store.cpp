#include "storage/memory_store.h"

#include "base/check.h"
#include "storage/log/memory_log.h"

namespace pintle::storage {

std::unique_ptr<Store> make_memory_store(rt::Runtime& runtime, LogStoreOptions options) {
  auto store = LogStore::open(runtime, make_memory_log(), options);
  CHECK(store.has_value(), "an empty log in memory always opens");
  return std::move(*store);
}

}  // namespace pintle::storage
