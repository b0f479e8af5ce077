// Power cuts under SQLite's own file layer: writers run on a simulated machine; at a change of the disk that the seed picks,
// in the middle of a commit, a checkpoint or a recovery, the power goes, and of what was not synced each write is lost,
// kept or torn. After each restart no acknowledged write may be missing, nothing half done may show, and the revisions
// must go on without a gap.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rt/sim/simulation.h"
#include "rt/sync.h"
#include "storage/sqlite/fault_disk.h"
#include "storage/sqlite_store.h"

namespace pintle::storage {
namespace {

constexpr int seeds = 300;
constexpr int lives = 4;
constexpr int writers = 5;
constexpr int keys_per_writer = 3;
constexpr int writes_per_life_max = 120;

const rt::Context background = rt::Context::background();

// xorshift: the test's own choices, apart from the simulation's.
struct Dice {
  uint64_t state;
  uint64_t operator()(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
  }
};

// What the writers know of a key. A write that was not answered may have happened or not.
struct Known {
  int64_t revision = 0;  // of the last acknowledged write
  int count = 0;         // acknowledged writes
  bool deleted = true;
  bool pending = false;  // one more write was begun
  bool pending_delete = false;
};
using Model = std::map<std::string, Known>;

// A value says whose it is and which, over its whole length: a torn one cannot pass.
std::string value_of(const std::string& key, int count) {
  const std::string unit = key + "#" + std::to_string(count) + ";";
  std::string value;
  for (int i = 0; i < 1 + (count * 7) % 120; ++i) value += unit;
  return value;
}

rt::Task<void> write(Store* store, Model* model, std::string prefix, uint64_t seed, const FaultDisk* disk) {
  Dice dice{seed | 1};
  for (int i = 0; i < writes_per_life_max && !disk->dead(); ++i) {
    const std::string key = prefix + std::to_string(dice(keys_per_writer));
    Known& known = (*model)[key];
    const bool remove = !known.deleted && dice(4) == 0;
    known.pending = true;
    known.pending_delete = remove;
    Result<KeyValue> done = KeyValue{};
    if (remove) {
      done = co_await store->remove(background, key, known.revision);
    } else {
      Bytes value(value_of(key, known.count + 1));
      if (known.deleted) {
        done = co_await store->create(background, key, value);
      } else {
        done = co_await store->update(background, key, value, known.revision);
      }
    }
    if (!done) co_return;  // only the disk refuses; what became of the write shows after the restart
    EXPECT_GT(done->mod_revision, known.revision);
    known = {done->mod_revision, known.count + 1, remove, false, false};
  }
}

// Compares, and takes over what happened to the writes that were not answered.
void check(Model& model, const RangeResult& range) {
  std::map<std::string, const KeyValue*> stored;
  for (const KeyValue& item : range.items) {
    stored[item.key] = &item;
    EXPECT_TRUE(model.contains(item.key)) << item.key << " was never written";
  }
  for (auto& [key, known] : model) {
    const auto it = stored.find(key);
    const bool there = it != stored.end();
    const bool as_known = there != known.deleted && (!there || it->second->mod_revision == known.revision);
    if (!as_known) {
      EXPECT_TRUE(known.pending) << key << ": an acknowledged write is lost";
      EXPECT_NE(there, known.pending_delete) << key;
      ++known.count;
      known.deleted = !there;
      if (there) {
        EXPECT_GT(it->second->mod_revision, known.revision) << key;
        known.revision = it->second->mod_revision;
      }
    }
    known.pending = false;
    if (there) {
      EXPECT_EQ(it->second->value.view(), value_of(key, known.count)) << key;
      EXPECT_LE(it->second->mod_revision, range.revision);
    }
  }
}

// Every revision since the last compaction is there, once and in order.
rt::Task<void> check_history(Store* store, int64_t newest) {
  auto events = std::make_shared<std::vector<WatchEvent>>();
  auto arrived = std::make_shared<rt::Event>();
  const int64_t first = store->compacted_revision() + 1;
  if (newest < first) co_return;
  auto watch = store->watch("", "", first, [events, arrived, newest](Result<std::vector<WatchEvent>> batch) {
    EXPECT_TRUE(batch.has_value());
    if (batch) events->insert(events->end(), batch->begin(), batch->end());
    if (!batch || events->back().kv.mod_revision >= newest) arrived->set();
  });
  EXPECT_TRUE(watch.has_value());
  (void)co_await arrived->wait(background);
  for (std::size_t i = 0; i < events->size(); ++i) EXPECT_EQ((*events)[i].kv.mod_revision, first + static_cast<int64_t>(i));
}

struct Run {
  Model model;
  int64_t acknowledged_compaction = 0;
  int opened = 0;
  int cut_while_opening = 0;
};

rt::Task<void> live(rt::Machine* machine, FaultDisk* disk, Run* run, uint64_t seed, bool last) {
  Dice dice{seed | 1};
  SqliteStoreOptions options;
  options.data_dir = "/data";
  options.disk = disk;
  options.process_lock = false;
  options.store.on_executor = true;
  options.store.history_bytes_max = 20'000;
  options.log.wal_pages_checkpoint = static_cast<int64_t>(4 + dice(40));
  auto store = SqliteStore::open(*machine, options);
  if (!store) {
    EXPECT_TRUE(disk->dead()) << store.error().message;
    ++run->cut_while_opening;
    co_return;
  }
  ++run->opened;
  RangeRequest everything;
  auto range = co_await (*store)->range(background, everything);
  if (!range) {
    EXPECT_TRUE(disk->dead()) << range.error().message;
    co_return;
  }
  check(run->model, *range);
  for (const auto& [key, known] : run->model) EXPECT_LE(known.revision, range->revision);
  co_await check_history(store->get(), range->revision);
  if (last) {
    auto sound = co_await (*store)->check_integrity(background);
    EXPECT_TRUE(sound.has_value()) << sound.error().message;
    co_return;
  }
  rt::TaskGroup group;
  for (int i = 0; i < writers; ++i) group.spawn(write(store->get(), &run->model, "/w" + std::to_string(i) + "/", dice(UINT64_MAX), disk));
  co_await group.join();
}

void run_seed(uint64_t seed, int64_t& opened, int64_t& cut_while_opening) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Dice dice{seed * 0x9e3779b97f4a7c15u | 1};
  for (int i = 0; i < 8; ++i) dice(2);
  rt::Simulation simulation({.seed = seed});
  rt::Machine& machine = simulation.add_machine({});
  machine.disk_plan().power_cut_lost = static_cast<uint32_t>(dice(1'000'001));
  machine.disk_plan().power_cut_torn = static_cast<uint32_t>(dice(1'000'001));
  Run run;
  for (int life = 0; life <= lives; ++life) {
    FaultDisk disk(machine.disk());
    const bool last = life == lives;
    if (!last) disk.cut_power_after(static_cast<int64_t>(1 + dice(life == 0 ? 400 : 250)));
    const uint64_t life_seed = dice(UINT64_MAX);
    const auto ended = simulation.run(machine, [&] { return live(&machine, &disk, &run, life_seed, last); });
    ASSERT_TRUE(ended.has_value()) << ended.error().message;
    if (last) break;
    simulation.kill(machine, dice(5) == 0 ? rt::Death::Process : rt::Death::Power);
    simulation.restart(machine);
  }
  opened += run.opened;
  cut_while_opening += run.cut_while_opening;
}

TEST(StoragePower, NoAcknowledgedWriteIsLost) {
  int64_t opened = 0;
  int64_t cut_while_opening = 0;
  for (uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) run_seed(seed, opened, cut_while_opening);
  std::printf("%d seeds: opened %lld times, cut %lld times while opening\n", seeds, static_cast<long long>(opened),
              static_cast<long long>(cut_while_opening));
  EXPECT_GT(opened, seeds * 2);
  EXPECT_GT(cut_while_opening, 0);
}

}  // namespace
}  // namespace pintle::storage
