// A process that writes as fast as it can is killed with SIGKILL at a random moment, again and again, on one database.
// It tells through a pipe what it is about to write and what was acknowledged; after each death no acknowledged write may
// be missing, nothing half done may show, and revisions only grow. The seed is printed; `storage_crash_test SEED ROUNDS` repeats.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "rt/sync.h"
#include "rt/testing.h"
#include "storage/sqlite_store.h"

namespace pintle::storage {
namespace {

constexpr int writers = 16;
constexpr int keys_per_writer = 4;
constexpr auto time_max = std::chrono::seconds(20);

uint64_t first_seed = 0;
int rounds = 60;

const rt::Context background = rt::Context::background();

struct Dice {
  uint64_t state;
  uint64_t operator()(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
  }
};

std::string value_of(const std::string& key, int64_t count) {
  const std::string unit = key + "#" + std::to_string(count) + ";";
  std::string value;
  for (int64_t i = 0; i < 1 + (count * 37) % 300; ++i) value += unit;
  return value;
}

int64_t count_in(std::string_view value) {
  const std::size_t at = value.find('#');
  int64_t count = -1;
  if (at != std::string_view::npos) std::from_chars(value.data() + at + 1, value.data() + value.size(), count);
  return count;
}

SqliteStoreOptions options_in(const std::string& dir) {
  SqliteStoreOptions options;
  options.data_dir = dir;
  options.store.history_bytes_max = 1 << 20;  // compaction runs all the time
  return options;
}

// --- the child ------------------------------------------------------------------------------------------------------

void tell(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

rt::Task<void> write_for_ever(Store* store, int writer, uint64_t seed) {
  Dice dice{seed | 1};
  struct Own {
    int64_t revision = 0;  // 0: not there
    int64_t count = 0;
  };
  std::map<std::string, Own> own;
  const std::string prefix = "/w" + std::to_string(writer) + "/";
  RangeRequest request;
  request.start = prefix;
  request.end = prefix_end(prefix);
  auto range = co_await store->range(background, request);
  for (const KeyValue& item : range->items) own[item.key] = {item.mod_revision, count_in(item.value.view())};
  while (true) {
    const std::string key = prefix + std::to_string(dice(keys_per_writer));
    Own& mine = own[key];
    const bool remove = mine.revision != 0 && dice(5) == 0;
    // Counts start anew in each life of the process, far above the last one's: a value is never written twice.
    const int64_t count = std::max(mine.count, static_cast<int64_t>(seed % 1'000'000) * 1000) + 1;
    tell("begin " + key + " " + (remove ? "delete" : std::to_string(count)) + "\n");
    Result<KeyValue> done = KeyValue{};
    if (remove) {
      done = co_await store->remove(background, key, mine.revision);
    } else {
      Bytes value(value_of(key, count));
      if (mine.revision == 0) {
        done = co_await store->create(background, key, value);
      } else {
        done = co_await store->update(background, key, value, mine.revision);
      }
    }
    if (!done) {
      tell("error " + key + " " + done.error().message + "\n");
      co_return;
    }
    mine = {remove ? 0 : done->mod_revision, count};
    tell("done " + key + " " + std::to_string(done->mod_revision) + "\n");
  }
}

rt::Task<int> child(rt::Runtime* runtime, std::string dir, uint64_t seed) {
  auto store = SqliteStore::open(*runtime, options_in(dir));
  if (!store) {
    tell("error open " + store.error().message + "\n");
    co_return 1;
  }
  tell("open\n");
  rt::TaskGroup group;
  for (int i = 0; i < writers; ++i) group.spawn(write_for_ever(store->get(), i, seed * 31 + static_cast<uint64_t>(i)));
  co_await group.join();
  co_return 1;
}

// --- the parent -----------------------------------------------------------------------------------------------------

struct Known {
  int64_t revision = 0;
  std::string state = "delete";  // the count of the last acknowledged write, or "delete"
  std::string latest;            // of what was begun
  std::set<std::string> begun;   // what was begun after it and not acknowledged, by one process or several
};
using Model = std::map<std::string, Known>;

void learn(Model& model, const std::string& output, int64_t& acknowledged) {
  std::istringstream lines(output);
  std::string what, key, rest;
  while (lines >> what) {
    if (what == "open") continue;
    lines >> key;
    std::getline(lines, rest);
    if (lines.eof()) break;  // the last line may have been cut off
    rest.erase(0, 1);
    Known& known = model[key];
    if (what == "begin") {
      known.begun.insert(rest);
      known.latest = rest;
    } else if (what == "done") {
      known.revision = std::stoll(rest);
      known.state = known.latest;
      known.begun.clear();
      ++acknowledged;
    } else {
      ADD_FAILURE() << key << ": " << rest;
    }
  }
}

void check(Model& model, const RangeResult& range) {
  std::map<std::string, const KeyValue*> stored;
  for (const KeyValue& item : range.items) stored[item.key] = &item;
  for (auto& [key, known] : model) {
    const auto it = stored.find(key);
    std::string state = "delete";
    if (it != stored.end()) {
      const int64_t count = count_in(it->second->value.view());
      EXPECT_EQ(it->second->value.view(), value_of(key, count)) << key << ": a half written value";
      state = std::to_string(count);
    }
    if (state == known.state) {
      if (it != stored.end()) {
        EXPECT_EQ(it->second->mod_revision, known.revision) << key;
      }
    } else {
      EXPECT_TRUE(known.begun.contains(state)) << key << " is " << state << ": acknowledged at revision " << known.revision << " as " << known.state;
      if (it != stored.end()) {
        EXPECT_GT(it->second->mod_revision, known.revision) << key;
      }
    }
    if (it != stored.end()) known.revision = it->second->mod_revision;
    known.state = state;
    known.begun.clear();
    EXPECT_LE(known.revision, range.revision) << key;
    stored.erase(key);
  }
  EXPECT_TRUE(stored.empty()) << "keys that were never written";
}

// Runs a child, kills it after `life_us`, and returns what it said.
std::string run_child(const std::string& dir, uint64_t seed, useconds_t life_us) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl("/proc/self/exe", "storage_crash_test", "--writer", dir.c_str(), std::to_string(seed).c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string output;
  char buffer[65536];
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(life_us);
  bool killed = false;
  while (true) {
    if (!killed && std::chrono::steady_clock::now() >= deadline) {
      ::kill(pid, SIGKILL);
      killed = true;
    }
    if (!killed) {
      pollfd readable{ends[0], POLLIN, 0};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (::poll(&readable, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))) == 0) continue;
    }
    const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
    if (got <= 0) break;
    output.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  if (!killed) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return output;
}

rt::Task<void> verify(std::string dir, Model* model) {
  auto store = SqliteStore::open(rt::Executor::current().runtime(), options_in(dir));
  EXPECT_TRUE(store.has_value()) << store.error().message;
  if (!store) co_return;
  RangeRequest everything;
  auto range = co_await (*store)->range(background, everything);
  EXPECT_TRUE(range.has_value());
  if (range) check(*model, *range);
  auto sound = co_await (*store)->check_integrity(background);
  EXPECT_TRUE(sound.has_value()) << sound.error().message;
}

TEST(StorageCrash, KilledAtRandomItLosesNothingAcknowledged) {
  const uint64_t seed = first_seed != 0 ? first_seed : static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Dice dice{seed | 1};
  char dir[] = "/tmp/pintle-crash-XXXXXX";
  ASSERT_NE(::mkdtemp(dir), nullptr);
  Model model;
  int64_t acknowledged = 0;
  int done = 0;
  const auto start = std::chrono::steady_clock::now();
  for (; done < rounds && !::testing::Test::HasFailure() && std::chrono::steady_clock::now() - start < time_max; ++done) {
    const std::string said = run_child(dir, dice(UINT32_MAX), static_cast<useconds_t>(5'000 + dice(200'000)));
    learn(model, said, acknowledged);
    // Mostly somebody looks; sometimes the next writer is the first to open what the last one left.
    if (dice(4) != 0) rt::testing::run_task([&] { return verify(dir, &model); });
  }
  rt::testing::run_task([&] { return verify(dir, &model); });
  std::printf("%d rounds, %lld writes acknowledged\n", done, static_cast<long long>(acknowledged));
  EXPECT_GT(acknowledged, 0);
  if (!::testing::Test::HasFailure()) std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace pintle::storage

int main(int argc, char** argv) {
  using namespace pintle;
  if (argc == 4 && std::string_view(argv[1]) == "--writer") {
    const std::string dir = argv[2];
    const uint64_t seed = std::stoull(argv[3]);
    auto runtime = rt::make_real_runtime({.threads = 2});
    rt::Runtime* raw = runtime.get();
    return runtime->run([&] { return storage::child(raw, dir, seed); });
  }
  ::testing::InitGoogleTest(&argc, argv);
  if (argc > 1) storage::first_seed = std::stoull(argv[1]);
  if (argc > 2) storage::rounds = std::stoi(argv[2]);
  return RUN_ALL_TESTS();
}
