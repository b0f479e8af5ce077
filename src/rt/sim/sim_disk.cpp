#include "rt/sim/sim_disk.h"

#include <algorithm>
#include <set>

#include "rt/sim/sim_inode.h"

namespace pintle::rt {

namespace {

std::string clean(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '/' && out.ends_with('/')) continue;
    out += c;
  }
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  while (out.starts_with("./")) out.erase(0, 2);
  return out;
}

Unexpected<Status> fail(Reason reason, const std::string& path, std::string_view why) { return error(reason, path + ": " + std::string(why)); }

class SimWatcher final : public FileWatcher {
 public:
  explicit SimWatcher(std::shared_ptr<SimDisk::Watch> watch) : watch_(std::move(watch)) {}
  Task<Result<Unit>> changed(Context ctx) override {
    auto watch = watch_;
    CO_TRY(co_await watch->event.wait(ctx));
    watch->event.reset();
    co_return Unit{};
  }

 private:
  std::shared_ptr<SimDisk::Watch> watch_;
};

}  // namespace

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::string path, std::shared_ptr<SimDisk::Inode> inode, bool writable)
      : disk_(disk), path_(std::move(path)), inode_(std::move(inode)), writable_(writable) {}

  Result<std::size_t> read_at(uint64_t offset, std::span<char> out) override {
    TRY(disk_.act(SimDisk::Action::Read, path_));
    if (offset >= inode_->data.size()) return 0;
    return inode_->data.copy(out.data(), out.size(), offset);
  }
  Result<Unit> write_at(uint64_t offset, std::string_view data) override {
    TRY(check_writable());
    TRY(disk_.act(SimDisk::Action::Write, path_));
    const uint64_t end = offset + data.size();
    if (end > inode_->data.size()) TRY(disk_.check_room(path_, end - inode_->data.size()));
    inode_->write(offset, data);
    touched();
    return Unit{};
  }
  Result<Unit> append(std::string_view data) override { return write_at(inode_->data.size(), data); }
  Result<Unit> truncate(uint64_t size_bytes) override {
    TRY(check_writable());
    TRY(disk_.act(SimDisk::Action::Write, path_));
    if (size_bytes > inode_->data.size()) TRY(disk_.check_room(path_, size_bytes - inode_->data.size()));
    inode_->truncate(size_bytes);
    touched();
    return Unit{};
  }
  Result<uint64_t> size() override { return inode_->data.size(); }
  Result<Unit> sync() override {
    TRY(disk_.act(SimDisk::Action::Sync, path_));
    inode_->sync();
    return Unit{};
  }

 private:
  Result<Unit> check_writable() const {
    if (!writable_) return fail(Reason::InternalError, path_, "bad file descriptor");
    return Unit{};
  }
  void touched() {
    inode_->modified = WallTime(disk_.scheduler_.now().time_since_epoch());
    disk_.tell_watchers(path_);
  }

  SimDisk& disk_;
  const std::string path_;
  const std::shared_ptr<SimDisk::Inode> inode_;
  const bool writable_;
};

SimDisk::SimDisk(SimScheduler& scheduler, std::string machine) : scheduler_(scheduler), machine_(std::move(machine)) {
  for (const char* path : {"/", "/tmp", "."}) {
    auto root = std::make_shared<Inode>();
    root->directory = true;
    names_[path] = std::move(root);
  }
}

SimDisk::~SimDisk() = default;

SimDisk::Node SimDisk::find(const std::string& path) const {
  const auto it = names_.find(path);
  return it == names_.end() ? nullptr : it->second;
}

Result<Unit> SimDisk::act(Action action, const std::string& path) {
  const Duration took = scheduler_.random().between(plan_.latency_min, plan_.latency_max);
  if (collecting_) {
    delay_ += took;
  } else {
    scheduler_.advance(took);
  }
  const uint32_t chance = action == Action::Read ? plan_.read_errors : action == Action::Write ? plan_.write_errors : plan_.sync_errors;
  if (!scheduler_.random().chance(chance)) return Unit{};
  scheduler_.note(machine_ + " disk error " + path);
  return fail(Reason::InternalError, path, "input/output error");
}

uint64_t SimDisk::used_bytes() const {
  uint64_t used = 0;
  for (const auto& [path, node] : names_) used += node->data.size();
  return used;
}

Result<Unit> SimDisk::check_room(const std::string& path, uint64_t more_bytes) const {
  if (plan_.capacity_bytes == UINT64_MAX || used_bytes() + more_bytes <= plan_.capacity_bytes) return Unit{};
  scheduler_.note(machine_ + " disk full " + path);
  return Unexpected(disk_full(path));
}

Result<Unit> SimDisk::check_parent(const std::string& path) const {
  const Node parent = find(parent_path(path));
  if (!parent) return fail(Reason::NotFound, path, "no such file or directory");
  if (!parent->directory) return fail(Reason::NotFound, path, "not a directory");
  return Unit{};
}

void SimDisk::set_names(std::vector<std::pair<std::string, Node>> changes) {
  NameChange undo;
  for (auto& [path, node] : changes) {
    undo.before.emplace_back(path, find(path));
    if (node) {
      names_[path] = std::move(node);
    } else {
      names_.erase(path);
    }
  }
  unsynced_names_.push_back(std::move(undo));
  for (const auto& [path, node] : unsynced_names_.back().before) tell_watchers(path);
}

Result<std::unique_ptr<File>> SimDisk::open(const std::string& raw, OpenOptions options) {
  const std::string path = clean(raw);
  TRY(act(options.create ? Action::Write : Action::Read, path));
  Node node = find(path);
  if (node && options.create && options.exclusive) return fail(Reason::AlreadyExists, path, "file exists");
  if (node && node->directory && options.write) return fail(Reason::InternalError, path, "is a directory");
  if (!node) {
    TRY(check_parent(path));
    if (!options.create) return fail(Reason::NotFound, path, "no such file or directory");
    node = std::make_shared<Inode>();
    node->mode = options.mode;
    node->modified = WallTime(scheduler_.now().time_since_epoch());
    set_names({{path, node}});
  }
  if (options.truncate && options.write && !node->data.empty()) {
    node->truncate(0);
    tell_watchers(path);
  }
  return std::make_unique<SimFile>(*this, path, std::move(node), options.write);
}

Result<FileStat> SimDisk::stat(const std::string& raw) {
  const std::string path = clean(raw);
  const Node node = find(path);
  if (!node) return fail(Reason::NotFound, path, "no such file or directory");
  return FileStat{node->data.size(), node->directory, node->mode, node->modified};
}

Result<Unit> SimDisk::rename(const std::string& raw_from, const std::string& raw_to) {
  const std::string from = clean(raw_from);
  const std::string to = clean(raw_to);
  TRY(act(Action::Write, from));
  const Node node = find(from);
  if (!node) return fail(Reason::NotFound, from, "no such file or directory");
  TRY(check_parent(to));
  if (const Node there = find(to); there && there->directory != node->directory)
    return fail(Reason::InternalError, from, there->directory ? "is a directory" : "not a directory");
  if (from == to) return Unit{};
  std::vector<std::pair<std::string, Node>> changes{{from, nullptr}, {to, node}};
  for (auto it = names_.lower_bound(from + "/"); it != names_.end() && it->first.starts_with(from + "/"); ++it) {
    changes.emplace_back(it->first, nullptr);
    changes.emplace_back(to + it->first.substr(from.size()), it->second);
  }
  set_names(std::move(changes));
  return Unit{};
}

Result<Unit> SimDisk::remove(const std::string& raw) {
  const std::string path = clean(raw);
  TRY(act(Action::Write, path));
  const Node node = find(path);
  if (!node) return fail(Reason::NotFound, path, "no such file or directory");
  const auto child = names_.lower_bound(path + "/");
  if (child != names_.end() && child->first.starts_with(path + "/")) return fail(Reason::AlreadyExists, path, "directory not empty");
  set_names({{path, nullptr}});
  return Unit{};
}

Result<std::vector<std::string>> SimDisk::list(const std::string& raw) {
  const std::string path = clean(raw);
  TRY(act(Action::Read, path));
  const Node node = find(path);
  if (!node) return fail(Reason::NotFound, path, "no such file or directory");
  if (!node->directory) return fail(Reason::NotFound, path, "not a directory");
  const std::string prefix = path == "/" ? "/" : path + "/";
  std::vector<std::string> names;
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix); ++it) {
    const std::string name = it->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos) names.push_back(name);
  }
  return names;
}

Result<Unit> SimDisk::make_directories(const std::string& raw, uint32_t mode) {
  const std::string path = clean(raw);
  if (const Node node = find(path)) {
    if (!node->directory) return fail(Reason::NotFound, path, "not a directory");
    return Unit{};
  }
  TRY(act(Action::Write, path));
  TRY(make_directories(parent_path(path), mode));
  auto node = std::make_shared<Inode>();
  node->directory = true;
  node->mode = mode;
  set_names({{path, std::move(node)}});
  return Unit{};
}

Result<Unit> SimDisk::sync_directory(const std::string& raw) {
  const std::string path = clean(raw);
  TRY(act(Action::Sync, path));
  const Node node = find(path);
  if (!node || !node->directory) return fail(Reason::NotFound, path, "no such file or directory");
  // The journal keeps order: everything up to the last change in this directory is durable now.
  for (std::size_t i = unsynced_names_.size(); i-- > 0;) {
    const auto touches = [&](const auto& change) { return parent_path(change.first) == path; };
    if (!std::ranges::any_of(unsynced_names_[i].before, touches)) continue;
    unsynced_names_.erase(unsynced_names_.begin(), unsynced_names_.begin() + static_cast<ptrdiff_t>(i) + 1);
    break;
  }
  return Unit{};
}

void SimDisk::power_cut() {
  SimRandom& random = scheduler_.random();
  const std::size_t kept = random.below(unsynced_names_.size() + 1);
  while (unsynced_names_.size() > kept) {
    auto& before = unsynced_names_.back().before;
    for (auto change = before.rbegin(); change != before.rend(); ++change) {
      if (change->second) {
        names_[change->first] = change->second;
      } else {
        names_.erase(change->first);
      }
    }
    unsynced_names_.pop_back();
  }
  unsynced_names_.clear();
  std::set<const Inode*> seen;  // one file under two names loses its writes once
  for (auto& [path, node] : names_)
    if (seen.insert(node.get()).second) node->power_cut(random, plan_);
  watches_.clear();
}

Result<std::unique_ptr<FileWatcher>> SimDisk::watch(std::vector<std::string> paths) {
  auto watch = std::make_shared<Watch>();
  for (const auto& path : paths) watch->paths.push_back(clean(path));
  watches_.push_back(watch);
  return std::make_unique<SimWatcher>(std::move(watch));
}

void SimDisk::tell_watchers(const std::string& path) {
  std::erase_if(watches_, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : watches_) {
    const auto watch = weak.lock();
    // The file, a directory above it, or an entry of a directory.
    const auto concerns = [&](const std::string& watched) {
      return watched == path || watched.starts_with(path + "/") || watched == parent_path(path);
    };
    if (std::ranges::any_of(watch->paths, concerns)) watch->event.set();
  }
}

}  // namespace pintle::rt
