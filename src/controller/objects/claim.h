// Claiming: a workload owns exactly the objects that its selector matches. Objects of nobody are taken in, its own that
// match no more are let go. Adoption asks the server first whether the workload is still there and not on its way out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/client.h"
#include "controller/objects/owner.h"

namespace pintle::controller::objects {

template <class T>
struct ClaimRequest {
  api::meta_v1::OwnerReference owner;
  bool owner_deleted = false;
  std::function<bool(const T&)> matches;
  std::function<bool(const T&)> adoptable;  // asked of objects of nobody that match; none: all that are not deleted
  std::string_view finalizer;               // of those taken in; "": none
  // Reads the workload's metadata from the server.
  std::function<rt::Task<Result<api::meta_v1::ObjectMeta>>(rt::Context)> fresh;
};

namespace detail {
// NotFound: it has gone. Invalid: it is another by now. Neither is a failure of the claim.
inline bool is_moot(const Status& status) { return status.reason == Reason::NotFound || status.reason == Reason::Invalid; }
}  // namespace detail

template <class T>
rt::Task<Result<std::vector<std::shared_ptr<const T>>>> claim(client::Client& client, rt::Context ctx, ClaimRequest<T> request,
                                                              std::vector<std::shared_ptr<const T>> candidates) {
  std::vector<std::shared_ptr<const T>> ours;
  std::optional<bool> adopting;
  std::optional<Status> failure;
  for (auto& object : candidates) {
    const auto& meta = object->metadata;
    const auto* ref = rules::controller_of(meta);
    if (ref != nullptr && ref->uid != request.owner.uid) continue;
    const bool matches = request.matches(*object);
    if (ref != nullptr && matches) {
      ours.push_back(std::move(object));
    } else if (ref != nullptr) {
      if (request.owner_deleted) continue;
      std::string patch = release_patch(request.owner.uid, meta.uid);
      auto released = co_await client.patch<T>(ctx, meta.namespace_, meta.name, client::PatchType::Strategic, std::move(patch));
      if (!released && !detail::is_moot(released.error()) && !failure) failure = std::move(released).error();
    } else if (matches && !request.owner_deleted && !meta.deletion_timestamp && (!request.adoptable || request.adoptable(*object))) {
      if (!adopting) {
        auto owner = co_await request.fresh(ctx);
        if (!owner) co_return Unexpected(std::move(owner).error());
        adopting = owner->uid == request.owner.uid && !owner->deletion_timestamp;
      }
      if (!*adopting) continue;
      std::string patch = adopt_patch(request.owner, meta.uid, request.finalizer);
      auto adopted = co_await client.patch<T>(ctx, meta.namespace_, meta.name, client::PatchType::Strategic, std::move(patch));
      if (adopted) {
        ours.push_back(std::make_shared<const T>(std::move(*adopted)));
      } else if (!detail::is_moot(adopted.error()) && !failure) {
        failure = std::move(adopted).error();
      }
    }
  }
  if (failure) co_return Unexpected(std::move(*failure));
  co_return ours;
}

}  // namespace pintle::controller::objects
