#include "kubelet/referenced_objects/referenced_objects.h"

#include <map>

#include "client/informer.h"
#include "rt/sync.h"

namespace pintle::kubelet::referenced_objects {

namespace core = api::core_v1;

namespace {

constexpr rt::Duration first_answer_max = std::chrono::seconds(1);  // then the caller tries again later

enum class Kind { ConfigMap, Secret };

struct ObjectId {
  Kind kind;
  std::string namespace_name;
  std::string name;
  auto operator<=>(const ObjectId&) const = default;
};

const api::Type& type_of(Kind kind) { return kind == Kind::ConfigMap ? api::type_of<core::ConfigMap>() : api::type_of<core::Secret>(); }
const client::Resource& resource_of(Kind kind) {
  return kind == Kind::ConfigMap ? client::resource_of<core::ConfigMap>() : client::resource_of<core::Secret>();
}
std::string_view word(Kind kind) { return kind == Kind::ConfigMap ? "configmap" : "secret"; }

bool is_immutable(Kind kind, const client::AnyPtr& object) {
  if (kind == Kind::ConfigMap) return static_cast<const core::ConfigMap*>(object.get())->immutable.value_or(false);
  return static_cast<const core::Secret*>(object.get())->immutable.value_or(false);
}

// One object that is followed, by an informer that selects it alone.
struct Followed {
  std::unique_ptr<client::AnyInformer> informer;  // null once an immutable object has been read
  client::AnyPtr settled;                         // that object
  std::set<std::string, std::less<>> pods;
};

rt::Task<void> end_informer(std::unique_ptr<client::AnyInformer> informer) { co_await informer->stop(); }

class Follower final : public ReferencedObjects {
 public:
  explicit Follower(client::Client& client) : client_(client) {}

  void add_pod(const core::Pod& pod) override {
    const ObjectNames names = referenced_names(pod);
    std::set<ObjectId> wanted;
    for (const std::string& name : names.config_maps) wanted.insert({Kind::ConfigMap, pod.metadata.namespace_, name});
    for (const std::string& name : names.secrets) wanted.insert({Kind::Secret, pod.metadata.namespace_, name});
    const std::string& uid = pod.metadata.uid;
    for (const ObjectId& id : wanted) follow(id).pods.insert(uid);
    std::set<ObjectId>& had = by_pod_[uid];
    for (const ObjectId& id : had)
      if (!wanted.contains(id)) leave(id, uid);
    had = std::move(wanted);
  }

  void remove_pod(std::string_view uid) override {
    const auto it = by_pod_.find(uid);
    if (it == by_pod_.end()) return;
    for (const ObjectId& id : it->second) leave(id, uid);
    by_pod_.erase(it);
  }

  rt::Task<Result<ConfigMapPtr>> config_map(rt::Context ctx, std::string namespace_name, std::string name) override {
    ObjectId id{Kind::ConfigMap, std::move(namespace_name), std::move(name)};
    auto object = co_await get(std::move(ctx), std::move(id));
    if (!object) co_return Unexpected(std::move(object).error());
    co_return std::static_pointer_cast<const core::ConfigMap>(*object);
  }
  rt::Task<Result<SecretPtr>> secret(rt::Context ctx, std::string namespace_name, std::string name) override {
    ObjectId id{Kind::Secret, std::move(namespace_name), std::move(name)};
    auto object = co_await get(std::move(ctx), std::move(id));
    if (!object) co_return Unexpected(std::move(object).error());
    co_return std::static_pointer_cast<const core::Secret>(*object);
  }

  void on_change(std::function<void(const std::vector<std::string>&)> listener) override { listeners_.push_back(std::move(listener)); }

  rt::Task<void> stop() override {
    stopped_ = true;
    for (auto& [id, followed] : followed_)
      if (followed.informer) ending_.spawn(end_informer(std::move(followed.informer)));
    followed_.clear();
    by_pod_.clear();
    co_await ending_.join();
  }

 private:
  Followed& follow(const ObjectId& id) {
    Followed& followed = followed_[id];
    if (followed.informer || followed.settled || stopped_) return followed;
    client::InformerOptions options;
    options.namespace_name = id.namespace_name;
    options.field_selector = "metadata.name=" + id.name;
    followed.informer = std::make_unique<client::AnyInformer>(client_, resource_of(id.kind), type_of(id.kind), std::move(options));
    client::AnyHandler handler;
    handler.on_add = [this, id](const client::AnyPtr& object, bool) { changed(id, object); };
    handler.on_update = [this, id](const client::AnyPtr&, const client::AnyPtr& object) { changed(id, object); };
    handler.on_delete = [this, id](const client::AnyPtr&) { changed(id, nullptr); };
    followed.informer->add_handler(std::move(handler));
    followed.informer->start();
    return followed;
  }

  void leave(const ObjectId& id, std::string_view uid) {
    const auto it = followed_.find(id);
    if (it == followed_.end()) return;
    if (const auto pod = it->second.pods.find(uid); pod != it->second.pods.end()) it->second.pods.erase(pod);
    if (!it->second.pods.empty()) return;
    if (it->second.informer) ending_.spawn(end_informer(std::move(it->second.informer)));
    followed_.erase(it);
  }

  // `object` null: deleted. Called by the informer, which must not end in here.
  void changed(const ObjectId& id, const client::AnyPtr& object) {
    const auto it = followed_.find(id);
    if (it == followed_.end()) return;
    if (object && is_immutable(id.kind, object)) {
      it->second.settled = object;
      if (it->second.informer) ending_.spawn(end_informer(std::move(it->second.informer)));
    }
    const std::vector<std::string> uids(it->second.pods.begin(), it->second.pods.end());
    for (const auto& listener : listeners_) listener(uids);
  }

  rt::Task<Result<client::AnyPtr>> get(rt::Context ctx, ObjectId id) {
    const auto it = followed_.find(id);
    if (it == followed_.end()) {
      auto answer = co_await client_.get_object(ctx, resource_of(id.kind), type_of(id.kind), id.namespace_name, id.name);
      if (!answer && answer.error().reason == Reason::NotFound) co_return missing(id);
      if (!answer) co_return Unexpected(std::move(answer).error());
      auto kept = std::make_shared<api::Object>(std::move(*answer));
      co_return client::AnyPtr(kept, kept->data());
    }
    if (it->second.settled) co_return it->second.settled;
    const auto waited = co_await it->second.informer->wait_synced(ctx.with_timeout(first_answer_max));
    // The pod may have gone meanwhile, or the object have proved immutable.
    const auto now = followed_.find(id);
    if (now == followed_.end()) co_return missing(id);
    if (now->second.settled) co_return now->second.settled;
    if (!waited) {
      if (ctx.done()) co_return Unexpected(ctx.status());
      if (const Status* why = now->second.informer->last_error()) co_return Unexpected(*why);
      co_return error(Reason::Timeout, "failed to sync " + std::string(word(id.kind)) + " cache: timed out waiting for the condition");
    }
    client::AnyPtr object = now->second.informer->store().find(client::object_key(id.namespace_name, id.name));
    if (!object) co_return missing(id);
    co_return object;
  }

  static Unexpected<Status> missing(const ObjectId& id) {
    return error(Reason::NotFound, std::string(word(id.kind)) + " \"" + id.name + "\" not found");
  }

  client::Client& client_;
  std::map<ObjectId, Followed> followed_;
  std::map<std::string, std::set<ObjectId>, std::less<>> by_pod_;
  std::vector<std::function<void(const std::vector<std::string>&)>> listeners_;
  rt::TaskGroup ending_;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<ReferencedObjects> make_referenced_objects(client::Client& client) { return std::make_unique<Follower>(client); }

}  // namespace pintle::kubelet::referenced_objects
