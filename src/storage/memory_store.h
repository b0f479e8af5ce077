// A Store in memory, for tests and simulations: every promise but durability. Steps run on the executor that opens it.
#pragma once

#include <memory>

#include "rt/runtime.h"
#include "storage/log/log_store.h"
#include "storage/store.h"

namespace pintle::storage {

// Call on an executor of `runtime`. Destroy it when nothing waits in it, on the same executor.
std::unique_ptr<Store> make_memory_store(rt::Runtime& runtime, LogStoreOptions options = {.on_executor = true});

}  // namespace pintle::storage
