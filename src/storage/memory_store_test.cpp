#include "storage/memory_store.h"

#include "storage/store_contract.h"

namespace pintle::storage {
namespace {

std::unique_ptr<Store> open_store(rt::Runtime& runtime, std::shared_ptr<void>&) { return make_memory_store(runtime); }
std::unique_ptr<Store> open_threaded(rt::Runtime& runtime, std::shared_ptr<void>&) { return make_memory_store(runtime, {.on_executor = false}); }

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract,
                         ::testing::Values(StoreContractCase{"OnExecutor", open_store}, StoreContractCase{"OnThread", open_threaded},
                                           StoreContractCase{"Simulated", open_store, true}),
                         case_name);

}  // namespace
}  // namespace pintle::storage
