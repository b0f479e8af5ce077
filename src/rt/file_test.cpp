#include "rt/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/runtime.h"
#include "rt/sync.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

// A directory of the test's own, on either backend.
std::string fresh_directory(Disk& disk) {
  static int number = 0;
  std::string path = "/tmp/pintle-rt-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number) + "/deep";
  EXPECT_TRUE(disk.make_directories(path).has_value());
  return path;
}
void remove_all(Disk& disk, const std::string& path) {
  if (auto info = disk.stat(path); info && info->directory) {
    const auto names = disk.list(path);
    for (const auto& name : *names) remove_all(disk, path + "/" + name);
  }
  EXPECT_TRUE(disk.remove(path).has_value());
}

TEST(File, ParentPath) {
  const std::pair<const char*, const char*> cases[] = {{"a/b", "a"}, {"/a/b/", "/a"}, {"/x", "/"}, {"x", "."}, {"/", "/"}};
  for (const auto& [path, parent] : cases) EXPECT_EQ(parent_path(path), parent) << path;
}

Task<void> file_calls() {
  Disk& disk = Executor::current().runtime().disk();
  const std::string dir = fresh_directory(disk);
  const std::string path = dir + "/a";
  EXPECT_TRUE(disk.make_directories(dir).has_value());
  EXPECT_EQ(disk.read(path).error().reason, Reason::NotFound);
  EXPECT_TRUE(disk.write(path, "hello", 0600).has_value());
  EXPECT_EQ(disk.read(path).value(), "hello");
  EXPECT_EQ(disk.stat(path)->mode, 0600u);
  EXPECT_EQ(disk.stat(path)->size_bytes, 5u);
  EXPECT_TRUE(disk.stat(dir)->directory);
  EXPECT_EQ(disk.read(path, 4).error().reason, Reason::RequestEntityTooLarge);
  EXPECT_EQ(disk.read(path, 5).value(), "hello");
  EXPECT_TRUE(disk.append(path, " world").has_value());
  EXPECT_EQ(disk.read(path).value(), "hello world");
  EXPECT_TRUE(disk.replace(path, "new").has_value());
  EXPECT_EQ(disk.read(path).value(), "new");
  EXPECT_TRUE(disk.make_directories(dir + "/taken/by").has_value());
  EXPECT_FALSE(disk.replace(dir + "/taken", "new").has_value());
  EXPECT_FALSE(disk.exists(dir + "/taken.tmp")) << "a failure leaves nothing behind";
  remove_all(disk, dir + "/taken");
  EXPECT_EQ(disk.open(path, {.write = true, .create = true, .exclusive = true}).error().reason, Reason::AlreadyExists);
  EXPECT_TRUE(disk.rename(path, dir + "/b").has_value());
  EXPECT_FALSE(disk.exists(path));
  EXPECT_EQ(disk.rename(path, dir + "/c").error().reason, Reason::NotFound);
  EXPECT_TRUE(disk.write(dir + "/a2", "").has_value());
  EXPECT_EQ(disk.list(dir).value(), (std::vector<std::string>{"a2", "b"}));
  EXPECT_EQ(disk.list(dir + "/none").error().reason, Reason::NotFound);
  EXPECT_EQ(disk.remove(dir).error().reason, Reason::AlreadyExists);
  {
    auto file = disk.open(dir + "/b", {.write = true});
    EXPECT_TRUE((*file)->write_at(10, "x").has_value());
    EXPECT_EQ((*file)->size().value(), 11u);
    char buffer[20];
    EXPECT_EQ((*file)->read_at(2, buffer).value(), 9u);
    EXPECT_EQ(std::string_view(buffer, 9), std::string_view("w\0\0\0\0\0\0\0x", 9));
    EXPECT_TRUE((*file)->truncate(2).has_value());
    EXPECT_EQ((*file)->read_at(5, buffer).value(), 0u);
    EXPECT_TRUE((*file)->sync().has_value());
    EXPECT_TRUE(disk.sync_directory(dir).has_value());
  }
  EXPECT_EQ(disk.read(dir + "/b").value(), "ne");
  EXPECT_FALSE(disk.read(dir + "/b/c").has_value());
  remove_all(disk, parent_path(dir));
  co_return;
}

// A link where the new content is written first was written through; a FIFO held its reader for ever.
Task<void> what_lies_there() {
  Disk& disk = Executor::current().runtime().disk();
  const std::string dir = fresh_directory(disk);
  EXPECT_TRUE(disk.write(dir + "/victim", "whole").has_value());
  EXPECT_EQ(::symlink("victim", (dir + "/a.tmp").c_str()), 0);
  EXPECT_TRUE(disk.replace(dir + "/a", "new").has_value());
  EXPECT_EQ(disk.read(dir + "/a").value(), "new");
  EXPECT_EQ(disk.read(dir + "/victim").value(), "whole");
  EXPECT_EQ(::mkfifo((dir + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(disk.read(dir + "/fifo").error().reason, Reason::Forbidden);
  remove_all(disk, parent_path(dir));
  co_return;
}
TEST(File, WhatLiesThereIsNotWrittenThrough) { testing::run_task(what_lies_there()); }
TEST(File, Calls) { on_each_backend(file_calls); }

Task<void> replace_later(std::string path, std::string text) {
  (void)co_await sleep_for(Context::background(), 5ms);
  EXPECT_TRUE(Executor::current().runtime().disk().replace(path, text).has_value());
}
Task<void> watch() {
  Runtime& runtime = Executor::current().runtime();
  Disk& disk = runtime.disk();
  const std::string dir = fresh_directory(disk);
  std::vector<std::string> paths{dir + "/tls.crt", dir + "/later/ca.crt"};
  auto watcher = runtime.watch_files(paths);
  EXPECT_TRUE(watcher.has_value());
  auto quiet = co_await (*watcher)->changed(Context::background().with_timeout(10ms));
  EXPECT_EQ(quiet.error().reason, Reason::Timeout);
  // First the file that did not exist, then the same again, then one in a directory that did not exist.
  for (int round = 0; round < 2; ++round) {
    TaskGroup group;
    group.spawn(replace_later(paths[0], std::to_string(round)));
    while (disk.read(paths[0]).value_or("") != std::to_string(round)) {
      auto changed = co_await (*watcher)->changed(Context::background().with_timeout(10s));
      EXPECT_TRUE(changed.has_value());
      if (!changed) break;
    }
    co_await group.join();
  }
  EXPECT_TRUE(disk.make_directories(dir + "/later").has_value());
  TaskGroup group;
  group.spawn(replace_later(paths[1], "ca"));
  while (disk.read(paths[1]).value_or("") != "ca") {
    auto changed = co_await (*watcher)->changed(Context::background().with_timeout(10s));
    EXPECT_TRUE(changed.has_value());
    if (!changed) break;
  }
  co_await group.join();
  watcher->reset();
  remove_all(disk, parent_path(dir));
}
Task<void> watch_a_directory() {
  Runtime& runtime = Executor::current().runtime();
  Disk& disk = runtime.disk();
  const std::string dir = fresh_directory(disk);
  std::vector<std::string> paths{dir};
  auto watcher = runtime.watch_files(paths);
  EXPECT_TRUE(watcher.has_value());
  TaskGroup group;
  group.spawn(replace_later(dir + "/entry", "x"));
  while (disk.read(dir + "/entry").value_or("") != "x") {
    auto changed = co_await (*watcher)->changed(Context::background().with_timeout(10s));
    EXPECT_TRUE(changed.has_value());
    if (!changed) break;
  }
  co_await group.join();
  watcher->reset();
  remove_all(disk, parent_path(dir));
}
TEST(FileWatcher, TellsOfEntriesOfADirectory) { on_each_backend(watch_a_directory); }
TEST(FileWatcher, TellsOfChanges) { on_each_backend(watch); }

}  // namespace
}  // namespace pintle::rt
