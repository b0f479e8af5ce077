#include "storage/sqlite_store.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "storage/store_contract.h"

namespace pintle::storage {
namespace {

// A directory of its own, gone at the end.
struct TempDir {
  TempDir() {
    char name[] = "/tmp/pintle-store-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

std::unique_ptr<Store> open_store(rt::Runtime& runtime, std::shared_ptr<void>& keep) {
  auto dir = std::make_shared<TempDir>();
  keep = dir;
  auto store = SqliteStore::open(runtime, {.data_dir = dir->path});
  EXPECT_TRUE(store.has_value()) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(StoreContractCase{"Thread", open_store}), case_name);

}  // namespace
}  // namespace pintle::storage
