#include "kubelet/plugins/plugin_watcher.h"

#include <algorithm>
#include <optional>

#include "api/gen/pluginregistration_v1.h"
#include "component/log.h"
#include "net/grpc/channel.h"
#include "os/path.h"
#include "rpc/typed_call.h"
#include "rt/backoff.h"

namespace pintle::kubelet::plugins {

namespace {

namespace log = component::log;
using namespace api::pluginregistration_v1;

constexpr uint32_t folder_mode = 0750;  // as upstream's

std::string method(std::string_view name) { return std::string("/pluginregistration.Registration/").append(name); }

bool is_bounded(const PluginInfo& info) {
  const auto small = [](const std::string& word) { return word.size() <= word_bytes_max; };
  return small(info.type) && small(info.name) && small(info.endpoint) && info.supported_versions.size() <= versions_max &&
         std::ranges::all_of(info.supported_versions, small);
}

rt::BackoffOptions backoff_of(const PluginTiming& timing) {
  rt::BackoffOptions out;
  out.initial = timing.retry_first;
  out.max = timing.retry_max;
  return out;
}

}  // namespace

// One path in the folder, from its first socket until the last one at it is gone and taken back.
struct PluginWatcher::Entry {
  std::string path;                              // below the folder
  std::optional<os::SocketIdentity> socket;      // which one is there; nullopt: none
  rt::Event changed;                             // `socket` did
  rt::Context life = rt::Context::background();  // of what is there
};

struct PluginWatcher::Registered {
  os::SocketIdentity socket;
  PluginHandler* handler = nullptr;
  Plugin plugin;
};

namespace {

// One socket that is being asked.
class Registration {
 public:
  Registration(net::grpc::Channel& channel, const PluginWatcherDeps& deps, std::string shown)
      : channel_(channel), deps_(deps), shown_(std::move(shown)) {}

  struct Outcome {
    PluginHandler* handler = nullptr;
    Plugin plugin;
  };
  // `whole` outlasts the socket: what was added is taken back in it.
  rt::Task<Result<Outcome>> run(rt::Context ctx, rt::Context whole);

 private:
  rt::Task<Result<Unit>> notify(rt::Context ctx, bool registered, std::string why);
  // Tells the plugin, too.
  rt::Task<Result<Outcome>> refuse(rt::Context ctx, std::string why);

  net::grpc::Channel& channel_;
  const PluginWatcherDeps& deps_;
  const std::string shown_;  // the socket's path
};

rt::Task<Result<Unit>> Registration::notify(rt::Context ctx, bool registered, std::string why) {
  RegistrationStatus status;
  status.plugin_registered = registered;
  status.error = std::move(why);
  CO_TRY(co_await rpc::call<RegistrationStatusResponse>(channel_, std::move(ctx), deps_.timing.notify, method("NotifyRegistrationStatus"),
                                                        rpc::encode(status)));
  co_return Unit{};
}

rt::Task<Result<Registration::Outcome>> Registration::refuse(rt::Context ctx, std::string why) {
  const auto told = co_await notify(std::move(ctx), false, why);
  if (!told) why += "; the plugin was not told: " + told.error().message;
  co_return error(Reason::Invalid, std::move(why));
}

rt::Task<Result<Registration::Outcome>> Registration::run(rt::Context ctx, rt::Context whole) {
  InfoRequest request;
  auto info = co_await rpc::call<PluginInfo>(channel_, ctx, deps_.timing.info, method("GetInfo"), rpc::encode(request));
  if (!info) {
    const Status& why = info.error();
    co_return error(why.reason, "RegisterPlugin error -- failed to get plugin info using RPC GetInfo at socket " + shown_ + ", err: " + why.message);
  }
  if (!is_bounded(*info)) co_return co_await refuse(ctx, "RegisterPlugin error -- the plugin info is too long at socket " + shown_);
  const auto handler = deps_.handlers.find(info->type);
  if (handler == deps_.handlers.end())
    co_return co_await refuse(ctx, "RegisterPlugin error -- no handler registered for plugin type: " + info->type + " at socket " + shown_);
  Outcome out;
  out.handler = handler->second;
  out.plugin.name = std::move(info->name);
  out.plugin.endpoint = info->endpoint.empty() ? shown_ : std::move(info->endpoint);
  out.plugin.socket = shown_;
  out.plugin.versions = std::move(info->supported_versions);
  if (const auto valid = out.handler->validate(out.plugin); !valid)
    co_return co_await refuse(ctx, "RegisterPlugin error -- plugin validation failed with err: " + valid.error().message);
  const auto added = co_await out.handler->add(ctx, out.plugin);
  if (!added) co_return co_await refuse(ctx, "RegisterPlugin error -- plugin registration failed with err: " + added.error().message);
  const auto told = co_await notify(ctx, true, std::string());
  if (!told) {
    // What was not told is not so: the plugin will try again, or be tried. (At the end of the watcher it stays.)
    if (!whole.done()) co_await out.handler->remove(whole, out.plugin);
    const Status& why = told.error();
    co_return error(why.reason, "RegisterPlugin error -- failed to send registration status at socket " + shown_ + ", err: " + why.message);
  }
  co_return std::move(out);
}

}  // namespace

PluginWatcher::PluginWatcher(PluginWatcherDeps deps) : deps_(std::move(deps)) {}
PluginWatcher::~PluginWatcher() = default;

void PluginWatcher::start() { tasks_.spawn(run(tasks_.context())); }
rt::Task<void> PluginWatcher::stop() { co_await tasks_.close(); }

rt::Task<Result<os::FoundSockets>> PluginWatcher::look() {
  Result<os::FoundSockets> found = error(Reason::Cancelled, "not looked");
  os::SocketSearch search;
  search.sockets_max = plugins_max;
  co_await deps_.runtime.run_blocking([this, &found, &search] {
    (void)os::make_directories(deps_.folder, folder_mode);
    found = os::find_sockets(deps_.folder, search);
  });
  co_return std::move(found);
}

// What is in the folder now; what each entry's task does about it, it does by itself.
void PluginWatcher::take(const os::FoundSockets& found) {
  if (found.cut && !cut_) log::warning("Sockets of plugins are left out: there are too many files", {{"path", deps_.folder}});
  cut_ = found.cut;
  for (auto& [path, entry] : entries_) {
    const auto now = std::ranges::lower_bound(found.sockets, path, {}, &os::FoundSocket::path);
    const bool there = now != found.sockets.end() && now->path == path;
    const std::optional<os::SocketIdentity> socket = there ? std::optional(now->identity) : std::nullopt;
    if (socket == entry->socket) continue;
    entry->socket = socket;
    entry->life.cancel();
    entry->life = tasks_.context().child();
    entry->changed.set();
  }
  for (const os::FoundSocket& socket : found.sockets) {
    if (entries_.contains(socket.path)) continue;
    auto entry = std::make_shared<Entry>();
    entry->path = socket.path;
    entry->socket = socket.identity;
    entry->life = tasks_.context().child();
    entries_.emplace(socket.path, entry);
    tasks_.spawn(keep(tasks_.context(), std::move(entry)));
  }
}

std::unique_ptr<rt::FileWatcher> PluginWatcher::watch(const std::vector<std::string>& directories) {
  std::vector<std::string> paths{deps_.folder};
  for (const std::string& directory : directories) paths.push_back(deps_.folder + "/" + directory);
  auto made = deps_.runtime.watch_files(std::move(paths));
  if (made) return std::move(*made);
  log::error("Unable to watch the folder of plugins", made.error(), {{"path", deps_.folder}});
  return nullptr;
}

rt::Task<void> PluginWatcher::run(rt::Context ctx) {
  std::vector<std::string> directories;  // that are watched
  std::unique_ptr<rt::FileWatcher> watcher;
  rt::Backoff failures(backoff_of(deps_.timing));
  while (!ctx.done()) {
    // Before the look, so that no change falls in between.
    if (!watcher) watcher = watch(directories);
    const auto found = co_await look();
    if (!found) log::error("Unable to read the folder of plugins", found.error(), {{"path", deps_.folder}});
    if (found) take(*found);
    if (!found || !watcher) {
      watcher.reset();
      (void)co_await rt::sleep_for(ctx, failures.next(deps_.runtime.random()));
      continue;
    }
    failures.reset();
    const rt::TimePoint next = deps_.runtime.clock().now() + deps_.timing.look_pause;
    if (found->directories == directories) {
      (void)co_await watcher->changed(ctx);
    } else {
      directories = found->directories;
      watcher.reset();
    }
    (void)co_await rt::sleep_until(ctx, std::max(next, deps_.runtime.clock().now() + deps_.timing.settle));
  }
}

rt::Task<Result<PluginWatcher::Registered>> PluginWatcher::attempt(rt::Context ctx, EntryPtr entry) {
  Result<os::OpenSocketFile> opened = error(Reason::Cancelled, "not opened");
  const std::optional<os::SocketIdentity> wanted = entry->socket;
  co_await deps_.runtime.run_blocking([this, &opened, &entry] { opened = os::open_socket_below(deps_.folder, entry->path); });
  if (!opened) co_return Unexpected(std::move(opened).error());
  if (opened->identity != wanted) co_return error(Reason::Conflict, "another socket has taken its place");
  net::grpc::ChannelOptions options;
  options.target = os::fd_path(opened->fd.get());
  options.message_bytes_max = info_bytes_max;
  options.dial_timeout = deps_.timing.dial;
  CO_TRY_ASSIGN(auto channel, net::grpc::Channel::make(deps_.runtime, std::move(options)));
  Registration registration(*channel, deps_, deps_.folder + "/" + entry->path);
  auto outcome = co_await registration.run(std::move(ctx), tasks_.context());
  co_await channel->close();
  if (!outcome) co_return Unexpected(std::move(outcome).error());
  Registered out;
  out.socket = *wanted;
  out.handler = outcome->handler;
  out.plugin = std::move(outcome->plugin);
  co_return std::move(out);
}

rt::Task<void> PluginWatcher::keep(rt::Context ctx, EntryPtr entry) {
  std::optional<Registered> registered;
  rt::Backoff backoff(backoff_of(deps_.timing));
  while (!ctx.done()) {
    entry->changed.reset();
    if (registered && registered->socket != entry->socket) {
      log::info(0, "A plugin's socket is gone", {{"plugin", registered->plugin.name}, {"path", entry->path}});
      co_await registered->handler->remove(ctx, registered->plugin);
      registered.reset();
      continue;
    }
    if (!entry->socket) break;
    if (registered) {
      backoff.reset();
      (void)co_await entry->changed.wait(ctx);
      continue;
    }
    auto tried = co_await attempt(entry->life, entry);
    if (tried) {
      registered = std::move(*tried);
      log::info(0, "Registered a plugin", {{"plugin", registered->plugin.name}, {"path", entry->path}});
      continue;
    }
    if (ctx.done()) break;
    if (entry->changed.is_set()) {
      backoff.reset();
      continue;
    }
    log::error("A plugin was not registered", tried.error(), {{"path", entry->path}});
    (void)co_await entry->changed.wait(ctx.with_timeout(backoff.next(deps_.runtime.random())));
  }
  entries_.erase(entry->path);
}

}  // namespace pintle::kubelet::plugins
