#include "controller/volume_protection/controller.h"

#include <algorithm>

#include "api/gen/storage_v1.h"
#include "client/work_queue.h"
#include "controller/pods/pod_store.h"
#include "rules/pod_claims.h"
#include "rules/pod_state.h"

namespace pintle::controller::volume_protection {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;
using api::storage_v1::VolumeAttributesClass;

namespace {

bool has_finalizer(const api::meta_v1::ObjectMeta& meta, std::string_view name) {
  return std::ranges::find(meta.finalizers, name) != meta.finalizers.end();
}

// Adds the finalizer to what lives, takes it off what is deleted and free; others' finalizers stay.
template <class T>
rt::Task<Result<Unit>> settle(client::Client& client, rt::Context ctx, std::shared_ptr<const T> object, std::string_view finalizer, bool in_use) {
  const bool has = has_finalizer(object->metadata, finalizer), deleted = object->metadata.deletion_timestamp.has_value();
  if (deleted ? !has || in_use : has) co_return Unit{};
  T copy = *object;
  if (deleted) {
    std::erase(copy.metadata.finalizers, finalizer);
  } else {
    copy.metadata.finalizers.emplace_back(finalizer);
  }
  auto written = co_await client.update<T>(std::move(ctx), std::move(copy));
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  co_return Unit{};
}

class ClaimProtection final : public Controller {
 public:
  explicit ClaimProtection(ControllerDeps deps)
      : deps_(deps),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        loop_(deps.loop("pvcprotection"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    using Ptr = std::shared_ptr<const PersistentVolumeClaim>;
    client::Informer<PersistentVolumeClaim>::Handler claims;
    claims.on_add = [this](const Ptr& claim, bool) { enqueue(claim->metadata.namespace_, claim->metadata.name); };
    claims.on_update = [this](const Ptr&, const Ptr& claim) { enqueue(claim->metadata.namespace_, claim->metadata.name); };
    claims_.add_handler(std::move(claims));
    client::Informer<Pod>::Handler pods;
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
      if (before->metadata.uid != after->metadata.uid || (!rules::is_terminal(*before) && rules::is_terminal(*after))) pod_ended(*before);
    };
    pods.on_delete = [this](const pods::PodPtr& pod) { pod_ended(*pod); };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  static constexpr std::string_view finalizer = rules::claim_protection_finalizer;
  void enqueue(const std::string& ns, const std::string& name) { loop_.queue().add(client::object_key(ns, name)); }
  void pod_ended(const Pod& pod) {
    for (const std::string& claim : rules::claim_names(pod)) enqueue(pod.metadata.namespace_, claim);
  }
  static bool uses(const Pod& pod, const std::string& claim) {
    const std::vector<std::string> used = rules::claim_names(pod);
    return !pod.spec.node_name.empty() && !rules::is_terminal(pod) && std::ranges::find(used, claim) != used.end();
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key) {
    const auto claim = claims_.get(key);
    if (claim == nullptr) co_return Unit{};
    bool in_use = false;
    if (claim->metadata.deletion_timestamp) {
      for (const pods::PodPtr& pod : deps_.pods.using_claim(key)) in_use |= uses(*pod, claim->metadata.name);
      if (!in_use && has_finalizer(claim->metadata, finalizer)) {  // the cache may be behind: the server's word counts
        client::ListOptions options;
        options.namespace_name = claim->metadata.namespace_;
        auto listed = co_await deps_.client.list<Pod>(ctx, std::move(options));
        if (!listed) co_return Unexpected(std::move(listed).error());
        for (const Pod& pod : listed->items) in_use |= uses(pod, claim->metadata.name);
      }
    }
    co_return co_await settle<PersistentVolumeClaim>(deps_.client, std::move(ctx), claim, finalizer, in_use);
  }

  ControllerDeps deps_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::ControlLoop loop_;
};

class VolumeProtection final : public Controller {
 public:
  explicit VolumeProtection(ControllerDeps deps)
      : deps_(deps),
        volumes_(deps.informers.of<PersistentVolume>()),
        loop_(deps.loop("pvprotection"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    volumes_.on_any([this](const PersistentVolume& volume) { loop_.queue().add(volume.metadata.name); });
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key) {
    const auto volume = volumes_.get(key);
    if (volume == nullptr) co_return Unit{};
    co_return co_await settle<PersistentVolume>(deps_.client, std::move(ctx), volume, "kubernetes.io/pv-protection", volume->status.phase == "Bound");
  }

  ControllerDeps deps_;
  client::Informer<PersistentVolume> volumes_;
  client::ControlLoop loop_;
};

// The classes that a claim asks for, has and is being changed to.
std::vector<std::string> classes_used_by(const PersistentVolumeClaim& claim) {
  std::vector<std::string> out;
  if (claim.spec.volume_attributes_class_name) out.push_back(*claim.spec.volume_attributes_class_name);
  if (claim.status.current_volume_attributes_class_name) out.push_back(*claim.status.current_volume_attributes_class_name);
  if (claim.status.modify_volume_status) out.push_back(claim.status.modify_volume_status->target_volume_attributes_class_name);
  return out;
}
std::vector<std::string> classes_used_by(const PersistentVolume& volume) {
  std::vector<std::string> out;
  if (volume.spec.volume_attributes_class_name) out.push_back(*volume.spec.volume_attributes_class_name);
  return out;
}

class AttributesClassProtection final : public Controller {
 public:
  explicit AttributesClassProtection(ControllerDeps deps)
      : deps_(deps),
        classes_(deps.informers.of<VolumeAttributesClass>()),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        volumes_(deps.informers.of<PersistentVolume>()),
        loop_(deps.loop("vacprotection"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    classes_.on_any([this](const VolumeAttributesClass& one) { loop_.queue().add(one.metadata.name); });
    follow(claims_);
    follow(volumes_);
  }
  void start() override { loop_.start(deps_.workers(1)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  // What a user of classes names no longer may be free.
  template <class T>
  void follow(client::Informer<T>& users) {
    using Ptr = std::shared_ptr<const T>;
    typename client::Informer<T>::Handler handler;
    handler.on_update = [this](const Ptr& before, const Ptr& after) {
      const auto now = classes_used_by(*after);
      for (const std::string& name : classes_used_by(*before))
        if (std::ranges::find(now, name) == now.end()) loop_.queue().add(name);
    };
    handler.on_delete = [this](const Ptr& gone) {
      for (const std::string& name : classes_used_by(*gone)) loop_.queue().add(name);
    };
    users.add_handler(std::move(handler));
  }
  template <class T>
  static bool any_uses(const std::vector<T>& users, const std::string& name) {
    return std::ranges::any_of(users, [&](const T& user) {
      const auto used = classes_used_by(user);
      return std::ranges::find(used, name) != used.end();
    });
  }
  // The server's word, not the cache's: a class is deleted rarely.
  template <class T>
  rt::Task<Result<bool>> used_by_any(rt::Context ctx, std::string name) {
    client::ListOptions everything;
    CO_TRY_ASSIGN(const auto listed, co_await deps_.client.list<T>(std::move(ctx), std::move(everything)));
    co_return any_uses(listed.items, name);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key) {
    const auto found = classes_.get(key);
    if (found == nullptr) co_return Unit{};
    bool in_use = false;
    if (found->metadata.deletion_timestamp) {
      CO_TRY_ASSIGN(const bool by_claim, co_await used_by_any<PersistentVolumeClaim>(ctx, key));
      CO_TRY_ASSIGN(const bool by_volume, co_await used_by_any<PersistentVolume>(ctx, key));
      in_use = by_claim || by_volume;
    }
    co_return co_await settle<VolumeAttributesClass>(deps_.client, std::move(ctx), found, "kubernetes.io/vac-protection", in_use);
  }

  ControllerDeps deps_;
  client::Informer<VolumeAttributesClass> classes_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::Informer<PersistentVolume> volumes_;
  client::ControlLoop loop_;
};

}  // namespace

std::unique_ptr<Controller> make_claim_protection_controller(ControllerDeps deps) { return std::make_unique<ClaimProtection>(std::move(deps)); }
std::unique_ptr<Controller> make_volume_protection_controller(ControllerDeps deps) { return std::make_unique<VolumeProtection>(std::move(deps)); }
std::unique_ptr<Controller> make_attributes_class_protection_controller(ControllerDeps deps) {
  return std::make_unique<AttributesClassProtection>(std::move(deps));
}

}  // namespace pintle::controller::volume_protection
