// Informer: keeps an ObjectStore equal to what the server has, by list and watch, for ever: a lost watch goes on from
// the last revision, an expired one lists again, an unreachable server is tried again with backoff. Handlers are told of
// each change after the store has it. Everything happens on the executor that called start(); stop() it before the end.
// AnyInformer is the machinery, Informer<T> the typed view of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "client/client.h"
#include "client/object_store.h"
#include "rt/sync.h"

namespace pintle::client {

struct InformerOptions {
  std::string namespace_name;  // "": all
  std::string label_selector;
  std::string field_selector;
  // Changes an object before it is stored: drop what nobody here reads (managed fields are always dropped).
  std::function<void(api::Object&)> transform;
  // How many objects stay decoded, the others packed (ObjectStore); 0: all. For what a cluster has many of and few are asked for.
  std::size_t decoded_max = 0;
};

// Whose handlers they are: what escapes from one of them is its failure and nobody else's, and when it has ended none is called.
// Handlers of nobody take the process with them.
struct HandlerOwner {
  std::function<void(std::string_view what)> on_failure;
  bool ended = false;
};

struct AnyHandler {
  std::function<void(const AnyPtr& object, bool initial)> on_add;
  std::function<void(const AnyPtr& old_object, const AnyPtr& new_object)> on_update;
  // The last state that is known: of a deletion seen only by a new list, the stored one.
  std::function<void(const AnyPtr& object)> on_delete;
  std::shared_ptr<HandlerOwner> owner = nullptr;
};

class AnyInformer {
 public:
  AnyInformer(Client& client, Resource resource, const api::Type& type, InformerOptions options);
  ~AnyInformer();
  AnyInformer(const AnyInformer&) = delete;
  AnyInformer& operator=(const AnyInformer&) = delete;

  // A handler added to a running informer is told of every object there is first. Handlers live as long as the informer, or its owner.
  void add_handler(AnyHandler handler);
  // Of the handlers that are added from now on.
  void set_owner(std::shared_ptr<HandlerOwner> owner) { owner_ = std::move(owner); }
  void start();  // idempotent
  rt::Task<void> stop();
  bool synced() const { return synced_; }
  rt::Task<Result<Unit>> wait_synced(rt::Context ctx);
  // The revision that the store reflects ("" before the first list).
  const std::string& resource_version() const { return resource_version_; }
  // Whether the store has all that happened up to this revision of the server.
  bool reflects(std::string_view resource_version) const;
  // Whether the store has had this state of an object or a later one. While a list is under way single objects are newer than the
  // store's revision. Of an object that has gone: once the store's revision says so.
  bool knows(const api::meta_v1::ObjectMeta& state) const;
  ObjectStore& store() { return store_; }
  const ObjectStore& store() const { return store_; }
  const Resource& resource() const { return resource_; }
  // Nothing is selected: the store has every object.
  bool has_all() const { return options_.namespace_name.empty() && options_.label_selector.empty() && options_.field_selector.empty(); }
  // The last failure to list or watch, until the next success (health pages).
  const Status* last_error() const { return last_error_ ? &*last_error_ : nullptr; }

 private:
  // How a failed list or watch goes on.
  enum class Next { Watch, List };
  // A list under way. The store takes each object as it comes, so that no list is in memory whole; what it had and the list has not goes at the
  // end. One that fails halfway leaves newer objects among the older ones, and is always followed by another list.
  struct Listing {
    bool compares = false;  // the store had something
    std::unordered_set<std::string> keys;
  };

  rt::Task<void> run(rt::Context ctx);
  // Fills the store; a streamed list leaves its watch in `watch`.
  rt::Task<Result<Unit>> list(rt::Context ctx, std::unique_ptr<Watch>& watch);
  rt::Task<Result<Unit>> list_by_stream(rt::Context ctx, std::unique_ptr<Watch>& watch);
  rt::Task<Result<Unit>> list_by_pages(rt::Context ctx);
  // A watch from the store's revision.
  rt::Task<Result<Unit>> open(rt::Context ctx, std::unique_ptr<Watch>& watch);
  // Applies events until the watch ends; never returns a value.
  rt::Task<Result<Unit>> follow(rt::Context ctx, Watch& watch);
  // How many seconds the server is to keep the next watch, which we give up a little later: a server that lost power
  // without a word is noticed.
  int64_t limit_watch();
  static Next after(const Status& failure);
  void failed(std::string_view what, const Status& failure);
  AnyPtr prepare(api::Object object) const;
  Listing begin_list() const;
  void list_one(Listing& listing, AnyPtr object);
  void end_list(Listing& listing, std::string resource_version);
  std::string key_of(const AnyPtr& object) const;
  void apply(EventType type, AnyPtr object);
  void put(std::string key, AnyPtr object, bool initial);
  void notify_add(const AnyPtr& object, bool initial);
  void notify_update(const AnyPtr& old_object, const AnyPtr& new_object);
  void notify_delete(const AnyPtr& object);

  Client& client_;
  const Resource resource_;
  const InformerOptions options_;
  ObjectStore store_;
  std::vector<AnyHandler> handlers_;
  std::shared_ptr<HandlerOwner> owner_;
  std::string resource_version_;
  std::optional<Status> last_error_;
  rt::TimePoint watch_ends_{};
  bool synced_ = false;
  bool streams_lists_ = true;  // until the server says that it does not know how
  rt::Event synced_event_;
  std::unique_ptr<rt::TaskGroup> tasks_;
};

template <class T>
class Informer {
 public:
  using Ptr = std::shared_ptr<const T>;
  struct Handler {
    std::function<void(const Ptr& object, bool initial)> on_add;
    std::function<void(const Ptr& old_object, const Ptr& new_object)> on_update;
    std::function<void(const Ptr& object)> on_delete;
  };
  explicit Informer(AnyInformer& any) : any_(&any) {}

  // `owner`: whose it is; nullptr: that of Informers::set_owner().
  void add_handler(Handler handler, std::shared_ptr<HandlerOwner> owner = nullptr) {
    AnyHandler out;
    out.owner = std::move(owner);
    if (handler.on_add) out.on_add = [f = std::move(handler.on_add)](const AnyPtr& o, bool initial) { f(cast(o), initial); };
    if (handler.on_update) out.on_update = [f = std::move(handler.on_update)](const AnyPtr& a, const AnyPtr& b) { f(cast(a), cast(b)); };
    if (handler.on_delete) out.on_delete = [f = std::move(handler.on_delete)](const AnyPtr& o) { f(cast(o)); };
    any_->add_handler(std::move(out));
  }
  // One function for every change: called with the object added, its new state, or its last one.
  void on_any(std::function<void(const T& object)> f) {
    Handler handler;
    handler.on_add = [f](const Ptr& o, bool) { f(*o); };
    handler.on_update = [f](const Ptr&, const Ptr& o) { f(*o); };
    handler.on_delete = [f](const Ptr& o) { f(*o); };
    add_handler(std::move(handler));
  }
  void add_index(std::string name, std::function<std::vector<std::string>(const T&)> function) {
    any_->store().add_index(std::move(name), [f = std::move(function)](const void* o) { return f(*static_cast<const T*>(o)); });
  }
  bool has_index(std::string_view name) const { return any_->store().has_index(name); }
  Ptr get(std::string_view key) const { return cast(any_->store().find(key)); }
  Ptr get(std::string_view namespace_name, std::string_view name) const { return get(object_key(namespace_name, name)); }
  std::vector<Ptr> list() const {
    std::vector<Ptr> out;
    out.reserve(any_->store().size());
    any_->store().for_each([&](const std::string&, const AnyPtr& object) { out.push_back(cast(object)); });
    return out;
  }
  std::vector<Ptr> list(std::string_view namespace_name) const { return cast_all(any_->store().in_namespace(namespace_name)); }
  std::vector<Ptr> by_index(std::string_view index, std::string_view value) const { return cast_all(any_->store().by_index(index, value)); }
  std::size_t size() const { return any_->store().size(); }
  bool any_in(std::string_view namespace_name) const { return any_->store().any_in_namespace(namespace_name); }
  bool synced() const { return any_->synced(); }
  rt::Task<Result<Unit>> wait_synced(rt::Context ctx) { return any_->wait_synced(std::move(ctx)); }
  AnyInformer& any() { return *any_; }

 private:
  static Ptr cast(const AnyPtr& object) { return std::static_pointer_cast<const T>(object); }
  static std::vector<Ptr> cast_all(std::vector<AnyPtr> objects) {
    std::vector<Ptr> out;
    out.reserve(objects.size());
    for (auto& object : objects) out.push_back(cast(object));
    return out;
  }
  AnyInformer* any_;
};

}  // namespace pintle::client
