#include "kubelet/status/status_manager.h"

#include <cstdlib>

#include "api/codec.h"
#include "component/log.h"
#include "rt/backoff.h"

namespace pintle::kubelet::status {

namespace log = component::log;

namespace {
constexpr rt::BackoffOptions retry_options{.initial = std::chrono::milliseconds(200), .max = std::chrono::seconds(10)};

uint64_t revision(const api::core_v1::Pod& pod) { return std::strtoull(pod.metadata.resource_version.c_str(), nullptr, 10); }
}  // namespace

StatusManager::StatusManager(rt::Runtime& runtime, client::Client* client, const sources::PodConfig& config)
    : runtime_(runtime), client_(client), config_(config) {}

void StatusManager::set(PodPtr pod, api::core_v1::PodStatus status) {
  auto& entry = entries_[pod->metadata.uid];
  if (!entry) entry = std::make_shared<Entry>();
  entry->pod = std::move(pod);
  const bool same = entry->version > 0 && api::equal(api::type_of<api::core_v1::PodStatus>(), &entry->status, &status);
  if (same && !overwritten(*entry)) return;
  entry->status = std::move(status);
  ++entry->version;
  kick(entry);
}

const api::core_v1::PodStatus* StatusManager::get(std::string_view uid) const {
  const auto found = entries_.find(uid);
  return found == entries_.end() || found->second->version == 0 ? nullptr : &found->second->status;
}

void StatusManager::mirror_appeared(const PodPtr& pod) {
  const auto found = entries_.find(pod->metadata.uid);
  if (found == entries_.end() || found->second->version == 0) return;
  (void)overwritten(*found->second);
  ++found->second->version;
  kick(found->second);
}

bool StatusManager::overwritten(Entry& entry) const {
  const PodPtr target = entry.sent ? target_of(entry) : nullptr;
  if (!target || target->metadata.uid != entry.sent_to || revision(*target) <= entry.sent_revision) return false;
  entry.sent = target->status;
  entry.sent_revision = revision(*target);
  return !status_patch(entry.sent_to, *entry.sent, entry.status).empty();
}

void StatusManager::forget(std::string_view uid) {
  const auto found = entries_.find(uid);
  if (found == entries_.end()) return;
  found->second->pod = nullptr;
  found->second->changed.set();
  entries_.erase(found);
}

void StatusManager::kick(EntryPtr entry) {
  if (!client_ || entry->sending) return;
  entry->sending = true;
  tasks_.spawn(send_loop(std::move(entry)));
}

rt::Task<void> StatusManager::send_loop(EntryPtr entry) {
  rt::Backoff backoff(retry_options);
  while (entry->pod && entry->sent_version < entry->version && !tasks_.context().done()) {
    const uint64_t version = entry->version;
    const auto sent = co_await send(entry);
    if (sent) {
      backoff.reset();
      entry->sent_version = std::max(entry->sent_version, version);
      entry->changed.set();
      continue;
    }
    log::info(2, "A pod's status was not written", {{"uid", entry->pod ? entry->pod->metadata.uid : ""}, {"err", sent.error().message}});
    const auto waited = co_await rt::sleep_for(tasks_.context(), backoff.next(runtime_.random()));
    if (!waited) break;
  }
  entry->sending = false;
  entry->changed.set();
}

PodPtr StatusManager::target_of(const Entry& entry) const { return is_static_pod(*entry.pod) ? config_.mirror_of(*entry.pod) : entry.pod; }

rt::Task<Result<Unit>> StatusManager::send(EntryPtr entry) {
  const PodPtr target = target_of(*entry);
  if (!target) co_return Unit{};  // a static pod without a mirror yet
  if (entry->sent_to != target->metadata.uid) entry->sent.reset();
  const auto& before = entry->sent ? *entry->sent : target->status;
  const std::string patch = status_patch(target->metadata.uid, before, entry->status);
  if (patch.empty()) co_return Unit{};
  client::PatchOptions options;
  options.subresource = "status";
  auto answer = co_await client_->patch<api::core_v1::Pod>(tasks_.context(), target->metadata.namespace_, target->metadata.name,
                                                           client::PatchType::Strategic, patch, options);
  if (!answer) {
    // Gone, or another pod of the name: nobody waits for this status.
    const Reason reason = answer.error().reason;
    if (reason == Reason::NotFound || reason == Reason::Conflict) co_return Unit{};
    co_return Unexpected(std::move(answer).error());
  }
  entry->sent_revision = revision(*answer);
  entry->sent = std::move(answer->status);
  entry->sent_to = target->metadata.uid;
  co_return Unit{};
}

rt::Task<Result<Unit>> StatusManager::flush(rt::Context ctx, std::string uid) {
  const auto found = entries_.find(uid);
  if (!client_ || found == entries_.end()) co_return Unit{};
  const EntryPtr entry = found->second;
  const uint64_t version = entry->version;
  while (entry->pod && entry->sent_version < version) {
    entry->changed.reset();
    kick(entry);
    CO_TRY(co_await entry->changed.wait(ctx));
  }
  co_return Unit{};
}

rt::Task<void> StatusManager::stop() { co_await tasks_.close(); }

}  // namespace pintle::kubelet::status
